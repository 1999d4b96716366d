// The `timeout` of a run, as a timer of its workflow: Temporal's own time-outs run no code.
import { makeContinueAsNewFunc, sleep, workflowInfo } from '@temporalio/workflow';
import type { Plan } from '../graph/plan.ts';
import type { graphRun } from './graph-run.ts';

/** Of the whole run: an execution in which it goes on learns from its memo when that is. */
const dueAtMemo = 'graphrunDueAt';

/** When the time of the run is over, in the workflow's time; null where it may take as long as it does. */
export function deadlineOf({ timeoutMs }: Plan): number | null {
  if (timeoutMs === undefined) return null;
  const told = workflowInfo().memo?.[dueAtMemo];
  return typeof told === 'number' ? told : Date.now() + timeoutMs;
}

/** To be waited for beside what the run does; nothing where it has no deadline. */
export function passing(dueAt: number | null): Promise<'overdue'>[] {
  if (dueAt === null) return [];
  return [sleep(Math.max(1, dueAt - Date.now()), { summary: 'timeout' }).then(() => 'overdue' as const)];
}

/** Goes on in a new execution, with the time that is left. */
export function continueBy(dueAt: number | null): ReturnType<typeof makeContinueAsNewFunc<typeof graphRun>> {
  if (dueAt === null) return makeContinueAsNewFunc<typeof graphRun>();
  return makeContinueAsNewFunc<typeof graphRun>({ memo: { ...workflowInfo().memo, [dueAtMemo]: dueAt } });
}
