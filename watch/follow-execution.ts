// Makes rows follow what happened to an execution in Temporal. Every write is compare-and-set: two processes that follow the
// same execution do no harm.
import { isOngoing } from '../graph/outcomes.ts';
import type { Store } from '../store/store.ts';
import type { Correction, OpenExecution } from '../store/watching.ts';
import { adoptExecution } from './adopt-execution.ts';
import { checkWorkflowTask } from './check-workflow-task.ts';
import type { EndDependencies } from './end-execution.ts';
import { endExecution, endVanished } from './end-execution.ts';
import { noteLostAttempts } from './note-lost-attempts.ts';
import { recordOutside } from './record-outside.ts';
import { type ExecutionId, type ExecutionView, identityOf, type TemporalView } from './temporal-view.ts';

export interface FollowDependencies extends EndDependencies {
  readonly store: Pick<Store, 'execution' | 'watch' | 'schedules'>;
  readonly temporal: TemporalView;
  /** Our workers poll it: what is started outside on other queues is not ours. */
  readonly taskQueue: string;
}

/** A chain of resets longer than this is followed in a later turn. */
const resetsMax = 20;

/** Compares one execution with its rows, and mends them. Resolves with what was done. */
export async function followExecution(deps: FollowDependencies, id: ExecutionId): Promise<Correction[]> {
  return followView(deps, id, await describeLast(deps, id));
}

/** The same for one that is open as far as the rows know: where that is so, a Describe is all it takes, as a rule. */
export async function compareExecution(deps: FollowDependencies, open: OpenExecution): Promise<Correction[]> {
  const view = await describeLast(deps, open);
  const isAsKnown =
    view?.runId === open.runId &&
    isOngoing(view.status) &&
    !open.isStuck &&
    (view.workflowTask?.attempts ?? 1) === 1;
  if (!isAsKnown) return followView(deps, open, view);
  await noteLostAttempts(deps, view);
  return [];
}

/** A reset puts another execution in the place of one; null where the server has neither. */
async function describeLast(
  { temporal }: FollowDependencies,
  id: ExecutionId,
): Promise<ExecutionView | null> {
  let view = await temporal.describe(id);
  for (let resets = 0; view?.resetRunId && resets < resetsMax; resets += 1) {
    view = await temporal.describe({ workflowId: view.workflowId, runId: view.resetRunId });
  }
  return view;
}

async function followView(
  deps: FollowDependencies,
  id: ExecutionId,
  view: ExecutionView | null,
): Promise<Correction[]> {
  if (!view) return endVanished(deps, id);
  const standing = await deps.store.watch.standingOf(identityOf(view));
  switch (standing.is) {
    case 'other':
      return [];
    case 'stranger': {
      const recorded = await recordOutside(deps, view);
      return recorded ? ['opened', ...(await followOpen(deps, view))] : [];
    }
    case 'reset': {
      const adopted = await adoptExecution(deps, view);
      if (adopted === 'continued') return followOpen(deps, view);
      return adopted === 'adopted' ? ['adopted', ...(await followOpen(deps, view))] : [];
    }
    case 'unopened':
      return followOpen(deps, view);
    case 'task':
      return standing.isOpen ? followOpen(deps, view) : [];
  }
}

/** What is open in the rows: ended there when it was ended here, else its workflow task is looked at. */
function followOpen(deps: FollowDependencies, view: ExecutionView): Promise<Correction[]> {
  return isOngoing(view.status) ? checkWorkflowTask(deps, view) : endExecution(deps, view);
}
