// What the holder of the watch's lease does beside watching. It runs by itself, so that a warehouse that makes it wait holds
// up no turn of the watch.
import type { Store } from '../store/store.ts';
import { type DropProjectsOptions, dropDeletedProjects } from './drop-projects.ts';

export interface HousekeepingOptions extends DropProjectsOptions {
  readonly store: Pick<Store, 'tombstones' | 'housekeeping'>;
  readonly sweepEveryMs?: number;
}

export interface Housekeeping {
  /** Begins a round where none is under way: deleted projects each time, what has grown old once a minute. */
  tend(): void;
  /** Resolves when the round that is under way, if any, has ended. */
  stop(): Promise<void>;
}

const sweepEveryMsDefault = 60_000;
/** One statement holds its locks for a few milliseconds; a sweep of so many batches is well below a minute. */
const batchRows = 5_000;
const batchesPerSweep = 100;

export function createHousekeeping(options: HousekeepingOptions): Housekeeping {
  const { store, onError, sweepEveryMs = sweepEveryMsDefault } = options;
  let round: Promise<void> | undefined;
  let isStopped = false;
  let sweptAt = Number.NEGATIVE_INFINITY;

  async function sweep(): Promise<void> {
    if (performance.now() - sweptAt < sweepEveryMs) return;
    sweptAt = performance.now();
    for (let batches = 0; batches < batchesPerSweep && !isStopped; batches += 1) {
      if (!(await store.housekeeping.deleteBatch(batchRows))) return;
    }
  }

  return {
    tend: () => {
      if (isStopped) return;
      round ??= dropDeletedProjects(options)
        .then(sweep)
        .catch(onError)
        .finally(() => {
          round = undefined;
        });
    },
    stop: async () => {
      isStopped = true;
      await round;
    },
  };
}
