import { outcomes } from '../graph/outcomes.ts';
import type { Store } from '../store/store.ts';
import type { Correction } from '../store/watching.ts';
import type { AdoptDependencies } from './adopt-execution.ts';
import { type RunHistory, toldBefore } from './read-history.ts';
import { type ExecutionId, type ExecutionView, identityOf } from './temporal-view.ts';

export interface EndDependencies extends AdoptDependencies {
  readonly store: Pick<Store, 'execution' | 'watch'>;
}

/** Ends what a closed execution left open, as its history tells it. */
export async function endExecution(deps: EndDependencies, view: ExecutionView): Promise<Correction[]> {
  const outcome = outcomes[view.status];
  if (!outcome) return [];
  const message = `The workflow was ended in Temporal as ${view.status}.`;
  await deps.store.watch.claimUnopened(identityOf(view), deps.actor);
  return end(deps, view.runId, { outcome, message, history: await deps.temporal.history(view) });
}

/** Ends what an execution left open that the server does not have any more. A run that had ended before is left alone. */
export async function endVanished(deps: EndDependencies, id: ExecutionId): Promise<Correction[]> {
  const message = 'Temporal does not have the workflow any more: it was deleted, or its data is gone.';
  // One that was never opened is known by its first run id alone.
  await deps.store.watch.claimUnopened({ ...id, firstExecutionRunId: id.runId }, deps.actor);
  return end(deps, id.runId, { outcome: { run: 'lost', jobs: 'lost' }, message, history: null });
}

interface Told {
  readonly outcome: NonNullable<(typeof outcomes)[keyof typeof outcomes]>;
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
