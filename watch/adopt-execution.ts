import type { Store } from '../store/store.ts';
import type { Warehouse } from '../warehouse/warehouse.ts';
import { askedBefore, toldBefore } from './run-history.ts';
import { type ExecutionView, identityOf, type TemporalView } from './temporal-view.ts';

export interface AdoptDependencies {
  readonly store: Pick<Store, 'execution'>;
  readonly warehouse: Pick<Warehouse, 'shutOut'>;
  readonly temporal: Pick<TemporalView, 'describe' | 'describeNewest' | 'history'>;
  readonly actor: string;
}

/**
 * Takes over an execution that a reset made, or in which a long run goes on. Of a reset, what its history begins with is
 * kept, all else goes back to PENDING. Of two resets the later one counts, whichever is met first; run ids do not tell.
 */
export async function adoptExecution(
  deps: AdoptDependencies,
  view: ExecutionView,
): Promise<'adopted' | 'continued' | 'known' | 'stranger' | 'superseded'> {
  const { execution } = deps.store;
  const identity = identityOf(view);
  for (;;) {
    const epoch = await execution.epochOf(identity);
    if (epoch === null) return 'stranger';
    const latest = await deps.temporal.describeNewest(view.workflowId);
    if (latest?.runId !== view.runId) return 'superseded';
    const history = await deps.temporal.history(view);
    const { continuedFrom } = history;
    if (continuedFrom !== null && history.resetAtEventId === 0) {
      const isTaken = await execution.handOver({ identity, continuedFrom, actor: deps.actor });
      return isTaken ? 'continued' : 'known';
    }
    const kept = toldBefore(history, history.resetAtEventId);
    const asked = askedBefore(history, history.resetAtEventId);
    const adoption = { identity, kept, asked, epoch, actor: deps.actor };
    const { outcome } = await execution.adopt(adoption, deps.warehouse.shutOut);
    if (outcome !== 'moved') return outcome;
  }
}
