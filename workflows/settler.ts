import { CancellationScope } from '@temporalio/workflow';
import type { EndedJob } from '../activities/bookkeeping.ts';
import type { JobEnd } from '../graph/states.ts';
import { queued } from './bookkeeping.ts';
import { bookkeepingActivityIds } from './contract.ts';

/** Gathers what one workflow task decides and settles it in one call. */
export interface Settler {
  /**
   * Asks for what is recorded of a job that no attempt could end; a recorded SUCCESS wins over `ended`. Null when it has not
   * ended, since no attempt has begun.
   */
  settle(ended: EndedJob): Promise<JobEnd | null>;
  /** Adds a job that never ran: nobody waits for the answer. */
  add(ended: EndedJob): void;
  /** Sends what was gathered, once all that has landed in this workflow task is taken; not `unless` it says so then. */
  flushSoon(unless: () => boolean): void;
  /** Sends all that was gathered; resolves once it is answered. */
  finish(): Promise<void>;
  /** What was gathered and not sent, for the closing call, once all that was sent is answered. */
  drain(): Promise<readonly EndedJob[]>;
}

export function createSettler(graphRunId: string): Settler {
  let gathered: EndedJob[] = [];
  let waiting: { readonly at: number; resolve(end: JobEnd | null): void; reject(error: unknown): void }[] =
    [];
  let sent = 0;
  let flushAsked = false;
  const underWay = new Set<Promise<void>>();

  const send = async (): Promise<void> => {
    const jobs = gathered;
    const waiters = waiting;
    gathered = [];
    waiting = [];
    sent += 1;
    const { settle } = queued(`${bookkeepingActivityIds.settle}/${sent}`);
    try {
      const ends = await CancellationScope.nonCancellable(() => settle({ graphRunId, jobs }));
      for (const { at, resolve } of waiters) resolve(ends[at] ?? null);
    } catch (error) {
      // Ended from outside: what nobody waits for goes with the next call, or with the closing one.
      for (const { reject } of waiters) reject(error);
      if (waiters.length === 0) gathered = [...jobs, ...gathered];
    }
  };

  const flush = (): void => {
    const sending = send();
    underWay.add(sending);
    sending.finally(() => underWay.delete(sending)).catch(() => {});
  };

  return {
    settle: (ended) =>
      new Promise((resolve, reject) => {
        waiting.push({ at: gathered.push(ended) - 1, resolve, reject });
      }),
    add: (ended) => {
      gathered.push(ended);
    },
    flushSoon: (unless) => {
      if (gathered.length === 0 || flushAsked) return;
      flushAsked = true;
      // Behind the callbacks of jobs that have landed with this one, which are queued already.
      Promise.resolve().then(() => {
        flushAsked = false;
        if (gathered.length > 0 && !unless()) flush();
      });
    },
    finish: async () => {
      if (gathered.length > 0) flush();
      await Promise.all(underWay);
    },
    drain: async () => {
      await Promise.all(underWay);
      return gathered;
    },
  };
}
