import { CancellationScope } from '@temporalio/workflow';
import type { EndedJob } from '../activities/bookkeeping.ts';
import type { JobEnd } from '../graph/states.ts';
import { queued } from './bookkeeping.ts';
import { bookkeepingActivityIds } from './contract.ts';

/** Gathers what one workflow task decides and settles it in one call. */
export interface Settler {
  /** Asks for what is recorded of a job that no attempt could end; a recorded SUCCESS wins over `ended`. */
  settle(ended: EndedJob): Promise<JobEnd>;
  /** Adds a job that never ran: nobody waits for the answer. */
  add(ended: EndedJob): void;
  isWaitedFor(): boolean;
  /** Sends what was gathered. */
  flush(): void;
  /** What was gathered and not sent, for the closing call, once all that was sent is answered. */
  drain(): Promise<readonly EndedJob[]>;
}

export function createSettler(graphRunId: string): Settler {
  let gathered: EndedJob[] = [];
  let waiting: { readonly at: number; resolve(end: JobEnd): void; reject(error: unknown): void }[] = [];
  let sent = 0;
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
      for (const { at, resolve } of waiters) resolve(ends[at] as JobEnd);
    } catch (error) {
      // Ended from outside: what nobody waits for goes with the next call, or with the closing one.
      for (const { reject } of waiters) reject(error);
      if (waiters.length === 0) gathered = [...jobs, ...gathered];
    }
  };

  return {
    settle: (ended) =>
      new Promise((resolve, reject) => {
        waiting.push({ at: gathered.push(ended) - 1, resolve, reject });
      }),
    add: (ended) => {
      gathered.push(ended);
    },
    isWaitedFor: () => waiting.length > 0,
    flush: () => {
      if (gathered.length === 0) return;
      const sending = send();
      underWay.add(sending);
      sending.finally(() => underWay.delete(sending)).catch(() => {});
    },
    drain: async () => {
      await Promise.all(underWay);
      return gathered;
    },
  };
}
