// Makes the runs of backfills, and starts them. It runs by itself, beside the turns of the watch, since a run that ends makes
// place for the next one.
import { setTimeout as pause } from 'node:timers/promises';
import type { Store } from '../store/store.ts';
import type { Starter } from './starter.ts';
import { workThrough } from './work-through.ts';

export interface BackfillKeepingOptions {
  readonly store: Pick<Store, 'backfills'>;
  readonly starter: Pick<Starter, 'startGraphRun'>;
  readonly actor: string;
  readonly onError: (error: unknown) => void;
}

export interface BackfillKeeping {
  /** Begins a round where none is under way; it ends with the lease, whose signal this is. */
  tend(lease: AbortSignal): void;
  /** Resolves when the round that is under way, if any, has ended. */
  stop(): Promise<void>;
}

/** How soon a place that a run has left is found; only while there are backfills. */
const lookEveryMs = 250;
const backfillsPerLook = 200;
const backfillsAtOnce = 4;
const startsAtOnce = 10;

export function createBackfillKeeping(options: BackfillKeepingOptions): BackfillKeeping {
  const stopping = new AbortController();
  let round: Promise<void> | undefined;
  return {
    tend: (lease) => {
      const signal = AbortSignal.any([lease, stopping.signal]);
      if (signal.aborted) return;
      round ??= tendBackfills(options, signal)
        .catch((error: unknown) => {
          if (!signal.aborted) options.onError(error);
        })
        .finally(() => {
          round = undefined;
        });
    },
    stop: async () => {
      stopping.abort();
      await round;
    },
  };
}

/** For as long as there are some that have not ended. @throws where Postgres is away: nothing is lost */
async function tendBackfills(options: BackfillKeepingOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const open = await options.store.backfills.open(backfillsPerLook);
    if (open.length === 0) return;
    await tendDue(
      options,
      open.filter(({ isDue }) => isDue),
      signal,
    );
    await pause(lookEveryMs, undefined, { signal }).catch(() => {});
  }
}

async function tendDue(
  { store, starter, actor, onError }: BackfillKeepingOptions,
  due: readonly { readonly id: string }[],
  signal: AbortSignal,
): Promise<void> {
  const start = async (run: Parameters<Starter['startGraphRun']>[0]) => {
    await starter.startGraphRun(run);
  };
  const tend = async ({ id }: { readonly id: string }) => {
    const items = await store.backfills.tend({ id, actor });
    // What does not start now is started by a turn of the watch, as any run.
    await workThrough({ items, atOnce: startsAtOnce, signal, work: start, onError }).catch(() => {});
  };
  await workThrough({ items: due, atOnce: backfillsAtOnce, signal, work: tend, onError }).catch(() => {});
}
