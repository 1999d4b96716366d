// Starts what is ready, in its turn. Jobs that need slots of pools ask for them first, and are not in flight meanwhile.
import type { GrantedSlots } from '../graph/asked-slots.ts';
import { rulesAt } from '../graph/plan.ts';
import { type Progress, setAside, takeAside, takeReady } from '../graph/planner.ts';
import { createAskingWindow } from './asking-window.ts';
import { createPoolLine, type PoolLine } from './pool-line.ts';

export interface StartReadyOptions {
  readonly run: {
    readonly graphRunId: string;
    /** Jobs that have asked for slots in an execution that this one goes on from; absent in old histories. */
    readonly asked?: readonly number[];
  };
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
  const granted: number[] = [];
  const line = createPoolLine(
    { graphRunId: run.graphRunId },
    (keys) => {
      granted.push(...keys.flatMap((key) => places.get(key) ?? []));
    },
    // As executions did that were opened before there was a window: not for answers by which none begins.
    () => {
      if (run.asked || granted.length > 0) goOn();
    },
    fail,
  );
  const ask = (job: number): void => line.ask(plan.keys[job] as string);
  /** Resolves with how many more may start. One may have started before, or have ended with its run. */
  const startAside = (jobs: number[], most: number): number => {
    let left = most;
    while (left > 0 && jobs.length > 0) {
      const job = jobs.shift() as number;
      if (!takeAside(progress, job)) continue;
      start(job);
      left -= 1;
    }
    return left;
  };
  const options = { progress, needsSlots, start, ask };
  const startOthers = run.asked
    ? startInWindow({ ...options, line, startAside }, new Set(run.asked))
    : startAtOnce(options);
  const upTo = (most: number): void => {
    const left = startAside(granted, Math.max(0, most));
    if (left > 0) startOthers(left);
  };
  return { upTo, ask, hear: line.hear };
}

interface StartOthersOptions {
  readonly progress: Progress;
  readonly needsSlots: (job: number) => boolean;
  readonly start: (job: number) => void;
  readonly ask: (job: number) => void;
}

/** So many may start now, one at least. */
type StartOthers = (most: number) => void;

interface StartInWindowOptions extends StartOthersOptions {
  readonly line: Pick<PoolLine, 'unanswered'>;
  readonly startAside: (jobs: number[], most: number) => number;
}

/**
 * Jobs that need slots ask for them before those that need none start, as many as could start, and half of that where others want
 * to start as well. Places are held back for them until they are answered: what they get they can use.
 */
function startInWindow(
  { progress, needsSlots, ask, line, startAside }: StartInWindowOptions,
  asked: ReadonlySet<number>,
): StartOthers {
  const others: number[] = [];
  const window = createAskingWindow(progress, asked);
  return (most) => {
    for (const job of takeReady(progress, Number.POSITIVE_INFINITY)) {
      setAside(progress, job);
      if (needsSlots(job)) window.add(job, rulesAt(progress.plan, job));
      else others.push(job);
    }
    for (const job of window.next(others.length > 0 ? Math.ceil(most / 2) : most)) ask(job);
    startAside(others, most - line.unanswered());
  };
}

/** As executions did that were opened before there was a window: all that become ready ask. */
function startAtOnce({ progress, needsSlots, start, ask }: StartOthersOptions): StartOthers {
  return (most) => {
    let left = most;
    for (let ready = takeReady(progress, left); ready.length > 0; ready = takeReady(progress, left)) {
      for (const job of ready) {
        if (needsSlots(job)) {
          setAside(progress, job);
          ask(job);
        } else {
          start(job);
          left -= 1;
        }
      }
    }
  };
}
