// One of all processes does the work of a lease, for as long as it says so to Postgres.
import { setTimeout as pause } from 'node:timers/promises';
import type { Leases } from '../store/leases.ts';

export interface LeaseOptions {
  readonly leases: Leases;
  readonly name: string;
  readonly holder: string;
  readonly onError: (error: unknown) => void;
  /** After every renewal. */
  readonly onRenewed?: () => Promise<void>;
  readonly times?: LeaseTimes;
}

export interface LeaseTimes {
  /** How long the lease lasts after a renewal. */
  readonly lastsMs: number;
  readonly renewMs: number;
  /** How often one who does not have it asks. */
  readonly askMs: number;
}

const timesDefault: LeaseTimes = { lastsMs: 8_000, renewMs: 2_000, askMs: 1_000 };

/**
 * Runs `work` while this process holds the lease. Renewed by a timer of its own, however long the work takes; when it is
 * lost, or Postgres does not answer until it has run out, the signal is aborted, and the work is begun anew once the lease
 * is there again and the work of before has ended.
 */
export function workOnLease(
  options: LeaseOptions,
  work: (signal: AbortSignal) => Promise<void>,
): { stop(): Promise<void> } {
  const { leases, name, holder, onError, onRenewed, times = timesDefault } = options;
  const stopped = new AbortController();
  let tenure: AbortController | undefined;
  let expiry: NodeJS.Timeout | undefined;
  let working = Promise.resolve();

  const end = (): void => {
    clearTimeout(expiry);
    tenure?.abort();
    tenure = undefined;
  };
  const extend = (askedAt: number): void => {
    if (stopped.signal.aborted) return;
    clearTimeout(expiry);
    expiry = setTimeout(end, times.lastsMs - (performance.now() - askedAt));
    if (tenure) return;
    tenure = new AbortController();
    const { signal } = tenure;
    working = working.then(() => (signal.aborted ? undefined : work(signal))).catch(onError);
  };
  const keep = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const askedAt = performance.now();
      try {
        if (await leases.hold(name, holder, times.lastsMs)) extend(askedAt);
        else end();
        if (tenure) await onRenewed?.();
      } catch (error) {
        onError(error);
      }
      await pause(tenure ? times.renewMs : times.askMs, undefined, { signal: stopped.signal }).catch(
        () => {},
      );
    }
  };

  const keeping = keep();
  return {
    stop: async () => {
      stopped.abort();
      end();
      await keeping;
      await working;
      await leases.release(name, holder).catch(onError);
    },
  };
}
