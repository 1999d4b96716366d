// Starts by schedules: of GraphRuns, and of the bare workflow by Schedules that are made for it here.
import { setTimeout as pause } from 'node:timers/promises';
import { tsToMs } from '@temporalio/common/lib/time.js';
import { limits } from '../graph/limits.ts';
import { bareGraph } from './overhead.ts';
import type { Stack } from './stack.ts';

/** In milliseconds from the time that it is of. */
export interface Firing {
  /** That time. */
  readonly at: number;
  /** Temporal has started the workflow. */
  readonly startedMs: number;
  /** A GraphRun: the commit that says RUNNING. Bare, which says nothing: the workflow's code has begun, and Temporal knows. */
  readonly runningMs: number;
}

const endedWithinMs = 30_000;
const pollMs = 500;
const bareWorkflowId = 'bare-scheduled';

export async function createBareSchedules(
  { client, bareTaskQueue: taskQueue }: Stack,
  count: number,
  times: { readonly everyMs: number; readonly first: number; readonly last: number },
): Promise<void> {
  const { everyMs, first, last } = times;
  const input = { parents: [[]], jobsInFlightMax: limits.jobsInFlightDefault };
  for (let index = 0; index < count; index += 1) {
    const workflowId = `${bareWorkflowId}-${index}`;
    await client.schedule.create({
      scheduleId: workflowId,
      spec: {
        intervals: [{ every: everyMs, offset: first % everyMs }],
        ...{ startAt: new Date(first), endAt: new Date(last) },
      },
      action: { type: 'startWorkflow', workflowType: bareGraph, taskQueue, workflowId, args: [input] },
    });
  }
}

/** Of the project's schedules, once so many runs have ended, or none comes any more. */
export async function graphRunFirings(stack: Stack, project: string, count: number): Promise<Firing[]> {
  const runs = await untilThere(count, async () =>
    (await stack.scheduledRuns(project)).filter(({ isEnded }) => isEnded),
  );
  const firings: Firing[] = [];
  for (const { workflowId, scheduledAt: at, runningAt } of runs) {
    const { startedAt } = await beginOf(stack, workflowId);
    firings.push({ at, startedMs: startedAt - at, runningMs: runningAt - at });
  }
  return firings;
}

/** Once so many bare workflows have ended, or none comes any more. */
export async function bareFirings(stack: Stack, count: number): Promise<Firing[]> {
  const query = `WorkflowType = '${bareGraph.name}' AND TemporalScheduledById STARTS_WITH '${bareWorkflowId}' AND ExecutionStatus = 'Completed'`;
  const ids = await untilThere(count, async () => {
    const found: string[] = [];
    for await (const { workflowId } of stack.client.workflow.list({ query })) found.push(workflowId);
    return found;
  });
  const firings: Firing[] = [];
  for (const workflowId of ids) {
    const { startedAt, begunAt } = await beginOf(stack, workflowId);
    // Temporal adds the time to the id that it was given.
    const at = Date.parse(workflowId.replace(/^.*-(\d{4}-\d\d-\d\dT)/, '$1'));
    firings.push({ at, startedMs: startedAt - at, runningMs: begunAt - at });
  }
  return firings;
}

/** When a workflow was started, and when the first task of its code was done, by its history. */
async function beginOf({ client }: Stack, workflowId: string) {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const started = events?.find((event) => event.workflowExecutionStartedEventAttributes);
  const begun = events?.find((event) => event.workflowTaskCompletedEventAttributes);
  return { startedAt: tsToMs(started?.eventTime), begunAt: tsToMs(begun?.eventTime) };
}

/** Some may be missing: a time at which Temporal takes the run before to be open is skipped. */
async function untilThere<Item>(count: number, ask: () => Promise<Item[]>): Promise<Item[]> {
  const deadline = performance.now() + endedWithinMs;
  for (;;) {
    const items = await ask();
    if (items.length >= count || performance.now() > deadline) return items;
    await pause(pollMs);
  }
}
