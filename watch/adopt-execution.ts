import type { Store } from '../store/store.ts';
import type { Warehouse } from '../warehouse/warehouse.ts';
import { toldBefore } from './read-history.ts';
import { type ExecutionView, identityOf, type TemporalView } from './temporal-view.ts';

export interface AdoptDependencies {
  readonly store: Pick<Store, 'execution'>;
  readonly warehouse: Pick<Warehouse, 'shutOut'>;
  readonly temporal: TemporalView;
  readonly actor: string;
}

/** Takes over an execution that a reset made: what its history begins with is kept, all else goes back to PENDING. */
export async function adoptExecution(
  deps: AdoptDependencies,
  view: ExecutionView,
): Promise<'adopted' | 'known' | 'stranger'> {
  const history = await deps.temporal.history(view);
  const kept = toldBefore(history, history.resetAtEventId);
  const adoption = { identity: identityOf(view), kept, actor: deps.actor };
  const { outcome } = await deps.store.execution.adopt(adoption, deps.warehouse.shutOut);
  return outcome;
}
