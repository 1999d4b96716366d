// Makes rows follow executions that were reset, or ended from outside. Every write is compare-and-set: two processes that
// follow the same execution do no harm.

import { outcomes } from '../graph/outcomes.ts';
import type { ToldEnd } from '../graph/transitions.ts';
import type { WorkflowIdentity } from '../store/execution.ts';
import type { Store } from '../store/store.ts';
import type { Warehouse } from '../warehouse/warehouse.ts';
import type { HistoryJob, RunHistory } from './read-history.ts';
import type { ExecutionId, ExecutionView, TemporalView } from './temporal-view.ts';

export interface FollowDependencies {
  readonly store: Pick<Store, 'execution'>;
  readonly warehouse: Pick<Warehouse, 'shutOut'>;
  readonly temporal: TemporalView;
  readonly actor: string;
}

export type Followed = 'nothing' | 'adopted' | 'ended';

/** A chain of resets longer than this is followed in a later turn. */
const resetsMax = 20;

/** Compares one execution with its rows, and mends them. Resolves with what was done. */
export async function followExecution(deps: FollowDependencies, id: ExecutionId): Promise<Followed> {
  let done: Followed = 'nothing';
  let next: ExecutionId | null = id;
  for (let resets = 0; next && resets < resetsMax; resets += 1) {
    const view: ExecutionView | null = await deps.temporal.describe(next);
    if (view?.resetRunId) {
      next = { workflowId: view.workflowId, runId: view.resetRunId };
      continue;
    }
    const adopted = view ? await adoptExecution(deps, view) : 'known';
    if (adopted === 'adopted') done = 'adopted';
    if (adopted === 'stranger' && view && outcomes[view.status]) {
      await deps.store.execution.claimUnopened(identityOf(view), deps.actor);
    }
    return (await endClosed(deps, next, view)) ? 'ended' : done;
  }
  return done;
}

/** Takes over an execution that a reset made: what its history begins with is kept, all else goes back to PENDING. */
export async function adoptExecution(
  deps: FollowDependencies,
  view: ExecutionView,
): Promise<'adopted' | 'known' | 'stranger'> {
  const [task] = await deps.store.execution.knownTasks([view.runId]);
  if (task) return 'known';
  const history = await deps.temporal.history(view);
  const identity = {
    workflowId: view.workflowId,
    runId: view.runId,
    firstExecutionRunId: view.firstExecutionRunId,
  };
  const adoption = { identity, kept: toldBefore(history, history.resetAtEventId), actor: deps.actor };
  const { outcome } = await deps.store.execution.adopt(adoption, deps.warehouse.shutOut);
  return outcome;
}

/** Ends what a closed execution left open. */
async function endClosed(
  deps: FollowDependencies,
  id: ExecutionId,
  view: ExecutionView | null,
): Promise<boolean> {
  const outcome = view ? outcomes[view.status] : ({ run: 'lost', jobs: 'lost' } as const);
  if (!outcome) return false;
  const [task] = await deps.store.execution.knownTasks([id.runId]);
  if (!task?.isOpen) return false;
  const history = view ? await deps.temporal.history(id) : null;
  const request = {
    runId: id.runId,
    end: history?.end ?? { state: 'FAILED' as const, reason: outcome.run },
    error: { type: outcome.run, message: describeEnd(view) },
    jobs: history ? toldBefore(history, Number.POSITIVE_INFINITY) : new Map(),
    rest: outcome.jobs,
    actor: deps.actor,
  };
  return deps.store.execution.endTask(request, deps.warehouse.shutOut);
}

function identityOf({ workflowId, runId, firstExecutionRunId }: ExecutionView): WorkflowIdentity {
  return { workflowId, runId, firstExecutionRunId };
}

function describeEnd(view: ExecutionView | null): string {
  if (!view) return 'Temporal does not have the workflow any more: it was deleted, or its data is gone.';
  return `The workflow was ended in Temporal as ${view.status}.`;
}

function toldBefore(history: RunHistory, eventId: number): Map<string, ToldEnd> {
  const told = [...history.jobs].filter(([, job]) => job.eventId < eventId);
  return new Map(told.map(([key, job]) => [key, toldEnd(job)]));
}

function toldEnd(job: HistoryJob): ToldEnd {
  const { end, error, hash, bytes } = job;
  if (hash === null || job.output === undefined) return { end, error };
  return { end, error, output: { text: JSON.stringify(job.output), hash, bytes } };
}
