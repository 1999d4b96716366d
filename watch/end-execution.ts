import { isOngoing, type Outcome, outcomeOf } from '../graph/outcomes.ts';
import type { Store } from '../store/store.ts';
import type { Correction } from '../store/watching.ts';
import { isCancelTermination } from '../workflows/contract.ts';
import type { AdoptDependencies } from './adopt-execution.ts';
import { type RunHistory, toldBefore } from './run-history.ts';
import { type ExecutionId, type ExecutionView, identityOf } from './temporal-view.ts';

export interface EndDependencies extends AdoptDependencies {
  readonly store: Pick<Store, 'execution' | 'watch'>;
}

/** Ends what a closed execution left open, as its history tells it. */
export async function endExecution(deps: EndDependencies, view: ExecutionView): Promise<Correction[]> {
  if (isOngoing(view.status)) return [];
  await deps.store.watch.claimUnopened(identityOf(view), deps.actor);
  const history = await deps.temporal.history(view);
  const isCancel = isCancelTermination(history.terminateReason);
  const outcome = outcomeOf(view.status, isCancel);
  if (!outcome) return [];
  const message = isCancel
    ? 'The run was cancelled, and no worker took that up in time: its workflow was terminated.'
    : `The workflow was ended in Temporal as ${view.status}${describeWho(history)}.`;
  return end(deps, view.runId, { outcome, message, history });
}

function describeWho({ terminatedBy: by, terminateReason: reason }: RunHistory): string {
  return `${by === null ? '' : ` by ${by}`}${reason ? ` (${reason})` : ''}`;
}

/** Ends what an execution left open that the server does not have any more. A run that had ended before is left alone. */
export async function endVanished(deps: EndDependencies, id: ExecutionId): Promise<Correction[]> {
  const message = 'Temporal does not have the workflow any more: it was deleted, or its data is gone.';
  // One that was never opened is known by its first run id alone.
  await deps.store.watch.claimUnopened({ ...id, firstExecutionRunId: id.runId }, deps.actor);
  return end(deps, id.runId, { outcome: { run: 'lost', jobs: 'lost' }, message, history: null });
}

interface Told {
  readonly outcome: Outcome;
  readonly message: string;
  readonly history: RunHistory | null;
}

async function end(deps: EndDependencies, runId: string, told: Told): Promise<Correction[]> {
  const { outcome, message, history } = told;
  const request = {
    runId,
    end: history?.end ?? ({ state: 'FAILED', reason: outcome.run } as const),
    error: { type: outcome.run, message },
    jobs: history ? toldBefore(history, Number.POSITIVE_INFINITY) : new Map(),
    rest: outcome.jobs,
    actor: deps.actor,
  };
  const isEnded = await deps.store.execution.endTask(request, deps.warehouse.shutOut);
  return isEnded ? ['ended'] : [];
}
