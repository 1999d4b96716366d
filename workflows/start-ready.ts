// Starts what is ready, in its turn. Jobs that need slots of pools ask for them first, and are not in flight meanwhile.
import { patched } from '@temporalio/workflow';
import type { GrantedSlots } from '../graph/asked-slots.ts';
import { rulesAt } from '../graph/plan.ts';
import { type Progress, setAside, takeAside, takeReady } from '../graph/planner.ts';
import { createAskingWindow } from './asking-window.ts';
import { createPoolLine } from './pool-line.ts';

const askInWindow = 'graphrun:ask-in-window';

export interface StartReadyOptions {
  readonly run: { readonly graphRunId: string };
  readonly progress: Progress;
  readonly start: (job: number) => void;
  /** Something can start now. */
  readonly goOn: () => void;
  readonly fail: (error: unknown) => void;
}

export interface StartReady {
  /** Starts as many as are ready, up to so many. */
  upTo(most: number): void;
  /** Has a job that is set aside ask for its slots, and starts it when it has them. */
  ask(job: number): void;
  /** Jobs have what they asked for. */
  hear(granted: readonly GrantedSlots[]): void;
}

/** Where no job needs slots, nothing is paid for that. */
export function createStartReady({ run, progress, start, goOn, fail }: StartReadyOptions): StartReady {
  const { plan } = progress;
  const needsSlots = (job: number) => rulesAt(plan, job).pools !== undefined;
  const places = new Map(plan.keys.flatMap((key, job) => (needsSlots(job) ? [[key, job] as const] : [])));
  if (places.size === 0) {
    const upTo = (most: number): void => {
      for (const job of takeReady(progress, most)) start(job);
    };
    return { upTo, ask: () => {}, hear: () => {} };
  }
  /** Have their slots, and start first. */
  let granted: number[] = [];
  const line = createPoolLine(
    { graphRunId: run.graphRunId },
    (keys) => {
      granted.push(...keys.flatMap((key) => places.get(key) ?? []));
      goOn();
    },
    fail,
  );
  const ask = (job: number): void => line.ask(plan.keys[job] as string);
  const window = createAskingWindow(progress);
  const upTo = (most: number): void => {
    let left = Math.max(0, most);
    while (left > 0 && granted.length > 0) {
      const [job, ...rest] = granted as [number, ...number[]];
      granted = rest;
      // It may have started before, or have ended with its run.
      if (!takeAside(progress, job)) continue;
      start(job);
      left -= 1;
    }
    for (let ready = takeReady(progress, left); ready.length > 0; ready = takeReady(progress, left)) {
      for (const job of ready) {
        if (needsSlots(job)) {
          setAside(progress, job);
          window.add(job, Object.keys(rulesAt(plan, job).pools ?? {}));
        } else {
          start(job);
          left -= 1;
        }
      }
    }
    // Runs that are older than the window have all their jobs ask at once.
    for (const job of window.next(left, () => patched(askInWindow))) ask(job);
  };
  return { upTo, ask, hear: line.hear };
}
