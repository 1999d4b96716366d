// Runs whose start did not reach Temporal, or whose answer was lost: sent again until a workflow has opened them. The
// workflow id is refused twice by the server, so that this can never run one a second time.
import type { JobRunToStart, RunToStart, Store } from '../store/store.ts';

export interface Starter {
  startGraphRun(run: RunToStart): Promise<void>;
  startJobRun(run: JobRunToStart): Promise<void>;
}

export interface StartPendingOptions {
  readonly store: Pick<Store, 'graphRuns' | 'jobRuns'>;
  readonly starter: Starter;
  readonly onError: (error: unknown) => void;
  /** A start that is younger is still the API's own. */
  readonly ageMs?: number;
  readonly everyMs?: number;
}

const startsAtOnce = 100;

/** Starts all that is due, page by page. Resolves with how many starts were sent. */
export async function startPending(options: StartPendingOptions): Promise<number> {
  const { store, starter, ageMs = 5_000 } = options;
  const olderThan = new Date(Date.now() - ageMs);
  const graphRuns = await startPages(
    options,
    (after) => store.graphRuns.unstarted(olderThan, after, startsAtOnce),
    (run) => starter.startGraphRun(run),
  );
  const jobRuns = await startPages(
    options,
    (after) => store.jobRuns.unstarted(olderThan, after, startsAtOnce),
    (run) => starter.startJobRun(run),
  );
  return graphRuns + jobRuns;
}

async function startPages<Run extends RunToStart>(
  { onError }: StartPendingOptions,
  readPage: (after: string | null) => Promise<Run[]>,
  start: (run: Run) => Promise<void>,
): Promise<number> {
  let started = 0;
  for (let after: string | null = null; ; ) {
    const runs = await readPage(after);
    // One that is refused must not hold up those behind it.
    await Promise.all(runs.map((run) => start(run).catch(onError)));
    started += runs.length;
    after = runs.at(-1)?.id ?? null;
    if (runs.length < startsAtOnce) return started;
  }
}

/** Looks every second, in every API process: a start sent twice is refused by the server, and means done. */
export function startPendingLoop(options: StartPendingOptions): { stop(): Promise<void> } {
  const { everyMs = 1_000 } = options;
  let wake = (): void => {};
  let stopped = false;
  const loop = async (): Promise<void> => {
    while (!stopped) {
      await startPending(options).catch(options.onError);
      if (stopped) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, everyMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };
  const running = loop();
  return {
    stop: async () => {
      stopped = true;
      wake();
      await running;
    },
  };
}
