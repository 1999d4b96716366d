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
/** Each costs a call; the rest of the turn is not to wait for more. */
const startsPerTurn = 200;
const startsAtOnce = 10;

/**
 * Starts what is due, of all projects in turn, so that thousands of one hold up nobody else's. While Temporal is away it gives
 * up early, and the next turn tries again.
 */
export async function startPending(options: StartPendingOptions): Promise<void> {
  const { store, starter } = options;
  const olderThan = new Date(options.before.getTime() - ageMs);
  const graphRuns = await store.graphRuns.unstarted(olderThan, startsPerTurn);
  await startAll(options, 'graph_run', graphRuns, (run) => starter.startGraphRun(run));
  const jobRuns = await store.jobRuns.unstarted(olderThan, startsPerTurn);
  await startAll(options, 'job_run', jobRuns, (run) => starter.startJobRun(run));
}

async function startAll<Run extends RunToStart>(
  options: StartPendingOptions,
  subject: RunSubject,
  runs: readonly Run[],
  start: (run: Run) => Promise<string | null>,
): Promise<void> {
  const { signal, onError } = options;
  const starts: NotedStart[] = [];
  const work = async (run: Run): Promise<void> => {
    const started = await startOne(options, run, await start(run));
    if (started) starts.push(started);
  };
  // What has begun before it gave up is noted all the same.
  await workThrough({ items: runs, atOnce: startsAtOnce, signal, work, onError }).catch(() => {});
  await note(options, subject, starts);
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
