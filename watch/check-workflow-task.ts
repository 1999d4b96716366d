import type { Store } from '../store/store.ts';
import type { Correction } from '../store/watching.ts';
import { type ExecutionView, identityOf, type TemporalView } from './temporal-view.ts';

export interface CheckDependencies {
  readonly store: Pick<Store, 'watch'>;
  readonly temporal: Pick<TemporalView, 'taskFailure'>;
  readonly actor: string;
}

/** A workflow task that keeps failing (a broken deploy) shows on its graph run with the error, until it succeeds. */
export async function checkWorkflowTask(deps: CheckDependencies, view: ExecutionView): Promise<Correction[]> {
  const { store, temporal, actor } = deps;
  const identity = identityOf(view);
  const error = await temporal.taskFailure(view);
  if (error) return (await store.watch.markStuck({ identity, error, actor })) ? ['stuck'] : [];
  return (await store.watch.clearStuck(identity, actor)) ? ['recovered'] : [];
}
