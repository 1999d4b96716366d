// Runs whose start did not reach Temporal, or whose answer was lost: sent again until an execution is known for them. The
// workflow id is refused twice by the server, so that this can never run one a second time.
import type { RunToStart, Store } from '../store/store.ts';
import type { NotedStart, RunSubject } from '../store/watching.ts';
import type { Starter } from './starter.ts';
import type { TemporalView } from './temporal-view.ts';
import { workThrough } from './work-through.ts';

export interface StartPendingOptions {
  readonly store: Pick<Store, 'graphRuns' | 'jobRuns' | 'watch'>;
  readonly starter: Pick<Starter, 'startGraphRun' | 'startJobRun'>;
  readonly temporal: Pick<TemporalView, 'describeNewest'>;
  readonly actor: string;
  /** Now, in Postgres' time. */
  readonly before: Date;
  readonly signal: AbortSignal;
  readonly onStarted: (workflowId: string) => void;
  readonly onError: (error: unknown) => void;
}

/** A start that is younger is still the API's own. */
const ageMs = 1_000;
const startsPerPage = 100;
const startsAtOnce = 10;

/** Starts all that is due, page by page. While Temporal is away it gives up early, and the next turn tries again. */
export async function startPending(options: StartPendingOptions): Promise<void> {
  const { store, starter } = options;
  const olderThan = new Date(options.before.getTime() - ageMs);
  await startPages(options, 'graph_run', {
    read: (after) => store.graphRuns.unstarted(olderThan, after, startsPerPage),
    start: (run) => starter.startGraphRun(run),
  });
  await startPages(options, 'job_run', {
    read: (after) => store.jobRuns.unstarted(olderThan, after, startsPerPage),
    start: (run) => starter.startJobRun(run),
  });
}

interface Pages<Run> {
  read(after: string | null): Promise<Run[]>;
  start(run: Run): Promise<string | null>;
}

async function startPages<Run extends RunToStart>(
  options: StartPendingOptions,
  subject: RunSubject,
  pages: Pages<Run>,
): Promise<void> {
  const { signal, onError } = options;
  for (let after: string | null = null; !signal.aborted; ) {
    const runs = await pages.read(after);
    const starts: NotedStart[] = [];
    const work = async (run: Run): Promise<void> => {
      const started = await startOne(options, run, await pages.start(run));
      if (started) starts.push(started);
    };
    const all = await workThrough({ items: runs, atOnce: startsAtOnce, signal, work, onError }).then(
      () => true,
      () => false,
    );
    await note(options, subject, starts);
    if (!all || runs.length < startsPerPage) return;
    after = runs.at(-1)?.id ?? null;
  }
}

/** Which execution a run was started with: now, or before. */
async function startOne(
  { temporal }: StartPendingOptions,
  { id, workflowId }: RunToStart,
  started: string | null,
): Promise<NotedStart | null> {
  if (started !== null) return { id, workflowId, firstExecutionRunId: started, isNew: true };
  const view = await temporal.describeNewest(workflowId);
  return view && { id, workflowId, firstExecutionRunId: view.firstExecutionRunId, isNew: false };
}

async function note(
  { store, actor, onStarted }: StartPendingOptions,
  subject: RunSubject,
  starts: readonly NotedStart[],
): Promise<void> {
  if (starts.length === 0) return;
  await store.watch.noteStarts(subject, starts, actor);
  for (const { workflowId, isNew } of starts) if (isNew) onStarted(workflowId);
}
