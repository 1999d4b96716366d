import { setTimeout as pause } from 'node:timers/promises';
import { CodedError } from '../graph/errors.ts';
import type { OpenAttempt } from '../warehouse/attempt.ts';
import type { AttemptWarehouse } from '../warehouse/attempt-warehouse.ts';
import type { Warehouse } from '../warehouse/warehouse.ts';

/** Does the job's work; resolves with its output, checked and fit to be recorded. */
export type WarehouseWork = (warehouse: AttemptWarehouse) => Promise<unknown>;

const waitMaxMs = 9 * 60_000;
const pauseMs = { first: 100, last: 2_000 };
/** The work itself is begun this often in one attempt: it may be what ends its connections. */
const beginningsMax = 3;

/**
 * Opens an attempt's part of the warehouse, works in it and publishes what was staged. While the warehouse cannot be
 * reached the attempt waits and begins again, so that it is not lost for that. Resolves with the output, or with that of
 * an earlier attempt which had published.
 * @throws CodedError SUPERSEDED, DATASET_IN_USE; WAREHOUSE_UNAVAILABLE when it is not known whether it has published
 */
export async function inWarehouse(
  warehouse: Warehouse,
  attempt: OpenAttempt,
  work: WarehouseWork,
): Promise<unknown> {
  const until = Date.now() + waitMaxMs;
  const tried = { beginnings: 0, publishing: false };
  for (let waitMs = pauseMs.first; ; waitMs = Math.min(waitMs * 2, pauseMs.last)) {
    try {
      return await workOnce(warehouse, attempt, work, tried);
    } catch (error) {
      const mayBeginAgain = tried.beginnings < beginningsMax && Date.now() < until;
      if (isWarehouseAway(error) && mayBeginAgain && !attempt.signal.aborted) {
        await pause(waitMs, undefined, { signal: attempt.signal }).catch(() => {});
      } else if (tried.publishing) {
        const published = await warehouse.withdraw(attempt);
        if (published === null) throw error;
        return JSON.parse(published) as unknown;
      } else {
        attempt.signal.throwIfAborted();
        throw error;
      }
    }
  }
}

async function workOnce(
  warehouse: Warehouse,
  attempt: OpenAttempt,
  work: WarehouseWork,
  tried: { beginnings: number; publishing: boolean },
): Promise<unknown> {
  const opened = await warehouse.openAttempt(attempt);
  try {
    if (opened.published) return opened.published.output;
    tried.beginnings += 1;
    const output = await work(opened.warehouse);
    tried.publishing = true;
    await opened.publish(output);
    return output;
  } finally {
    await opened.discard();
  }
}

/** Then it is not known what the warehouse holds of the attempt. */
export function isWarehouseAway(error: unknown): boolean {
  return error instanceof CodedError && error.code === 'WAREHOUSE_UNAVAILABLE';
}
