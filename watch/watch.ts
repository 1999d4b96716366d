// The loop that keeps rows equal to what Temporal did. It needs no worker, so it works while all of them are down.
import { setTimeout as pause } from 'node:timers/promises';
import { createHousekeeping, type HousekeepingOptions } from './housekeeping.ts';
import { type BackfillKeepingOptions, createBackfillKeeping } from './keep-backfills.ts';
import { type LeaseTimes, workOnLease } from './lease.ts';
import { createScheduleKeeping, type ScheduleKeepingOptions } from './schedules/keep-schedules.ts';
import { beginTenure, type TurnOptions, takeTurn } from './turn.ts';

export interface WatchOptions extends Omit<TurnOptions, 'lease' | 'behindAfterMs'>, HousekeepingOptions {
  readonly store: TurnOptions['store'] &
    HousekeepingOptions['store'] &
    ScheduleKeepingOptions['store'] &
    BackfillKeepingOptions['store'];
  readonly warehouse: TurnOptions['warehouse'] & HousekeepingOptions['warehouse'];
  readonly starter: TurnOptions['starter'];
  readonly leaseTimes?: LeaseTimes;
}

const lease = 'watch';
const everyMs = 1_000;
/** What was done in Temporal is to show within half of this. */
const behindAfterMs = 10_000;

/** Runs until it is stopped, in one process at a time. */
export function startWatch({ leaseTimes, ...given }: WatchOptions): { stop(): Promise<void> } {
  const { store, holder, onError } = given;
  const options: TurnOptions = { ...given, lease, behindAfterMs };
  const times = leaseTimes && { times: leaseTimes };
  const onRenewed = () => store.watch.noteLag(behindAfterMs);
  const housekeeping = createHousekeeping(given);
  const schedules = createScheduleKeeping(given);
  const backfills = createBackfillKeeping(given);
  const watching = workOnLease(
    { leases: store.leases, name: lease, holder, onError, onRenewed, ...times },
    async (signal) => {
      const tenure = beginTenure();
      while (!signal.aborted) {
        housekeeping.tend();
        schedules.tend();
        backfills.tend(signal);
        await takeTurn(options, tenure, signal).catch((error: unknown) => {
          if (!signal.aborted) onError(error);
        });
        await pause(everyMs, undefined, { signal }).catch(() => {});
      }
    },
  );
  return {
    stop: async () => {
      await watching.stop();
      await Promise.all([housekeeping.stop(), schedules.stop(), backfills.stop()]);
    },
  };
}
