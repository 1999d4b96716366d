// The loop that keeps rows equal to what Temporal did. It needs no worker, so it works while all of them are down.
import { setTimeout as pause } from 'node:timers/promises';
import type { OpenTaskRow } from '../store/execution.ts';
import type { Store } from '../store/store.ts';
import { type FollowDependencies, type Followed, followExecution } from './follow-executions.ts';

export interface WatchOptions extends FollowDependencies {
  readonly store: Pick<Store, 'execution' | 'leases'>;
  /** Names this process on the lease. */
  readonly holder: string;
  readonly onError: (error: unknown) => void;
  readonly onCorrection: (followed: Exclude<Followed, 'nothing'>, runId: string) => void;
}

const leaseName = 'watch';
const leaseMs = 8_000;
const everyMs = 1_000;
/** Visibility is late by some milliseconds; what it shows twice is compared twice and changes nothing. */
const overlapMs = 2_000;
/** Open Tasks described each turn, in rotation: finds what no list shows, such as deleted workflows. */
const describesPerTurn = 10;

/** Runs until it is stopped, on one lease for all processes. */
export function startWatch(options: WatchOptions): { stop(): Promise<void> } {
  const stopped = new AbortController();
  const running = loop(options, stopped.signal);
  return {
    stop: async () => {
      stopped.abort();
      await running;
    },
  };
}

async function loop(options: WatchOptions, signal: AbortSignal): Promise<void> {
  const { store, holder, onError } = options;
  let since = new Date(0);
  let after: OpenTaskRow | null = null;
  while (!signal.aborted) {
    try {
      if (await store.leases.hold(leaseName, holder, leaseMs)) {
        const begun = new Date();
        await followChanged(options, since);
        after = await followOpen(
          options,
          after,
          since.getTime() === 0 ? Number.POSITIVE_INFINITY : describesPerTurn,
        );
        since = new Date(begun.getTime() - overlapMs);
      } else {
        // Another process watches; should its lease end, all open Tasks are compared anew.
        since = new Date(0);
      }
    } catch (error) {
      if (!signal.aborted) onError(error);
    }
    await pause(everyMs, undefined, { signal }).catch(() => {});
  }
  await store.leases.release(leaseName, holder).catch(onError);
}

async function followChanged(options: WatchOptions, since: Date): Promise<void> {
  // The first turn compares every open Task; the lists are for what changes from now on.
  if (since.getTime() === 0) return;
  const changed = await options.temporal.changedSince(since);
  const known = await options.store.execution.knownTasks(changed.map(({ runId }) => runId));
  const closed = new Set(known.flatMap(({ runId, isOpen }) => (isOpen ? [] : [runId])));
  for (const execution of changed) if (!closed.has(execution.runId)) await follow(options, execution);
}

/** Compares open Tasks in rotation, and answers with where the next turn goes on. */
async function followOpen(
  options: WatchOptions,
  after: OpenTaskRow | null,
  most: number,
): Promise<OpenTaskRow | null> {
  const page = Math.min(most, 500);
  let last = after;
  for (let compared = 0; compared < most; ) {
    const tasks = await options.store.execution.openTasks(last, Math.min(page, most - compared));
    for (const task of tasks) await follow(options, task);
    compared += tasks.length;
    last = tasks.at(-1) ?? null;
    if (tasks.length < page) return null;
  }
  return last;
}

async function follow(options: WatchOptions, id: { workflowId: string; runId: string }): Promise<void> {
  try {
    const followed = await followExecution(options, id);
    if (followed !== 'nothing') options.onCorrection(followed, id.runId);
  } catch (error) {
    // One that cannot be followed must not hold up the others; it comes again.
    options.onError(error);
  }
}
