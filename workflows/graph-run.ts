import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  isCancellation,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { EndedJob } from '../activities/bookkeeping.ts';
import { writeDuration } from '../graph/durations.ts';
import { beginProgress, type Progress, verdict } from '../graph/planner.ts';
import type { GraphEnd } from '../graph/states.ts';
import type { RunError } from '../graph/transitions.ts';
import type { NotOpened, OpenedGraphRun } from '../store/execution.ts';
import { local, locallyOrQueued, queued } from './bookkeeping.ts';
import { bookkeepingActivityIds, type GraphRunInput, workflowFailures } from './contract.ts';
import { continueBy, deadlineOf, passing } from './deadline.ts';
import { readFired } from './fired.ts';
import { beginFlight, type Flight } from './flight.ts';
import { hearJobCancels } from './job-cancels.ts';
import type { OpenedRun } from './job-runner.ts';
import { hearPauses, type Pause } from './pauses.ts';
import { createSettler, type Settler } from './settler.ts';

export type GraphRunResult =
  | { readonly graphRunId: string; readonly state: 'SUCCESS' }
  /** Why a time of a schedule made no run. */
  | { readonly dropped: string };

/**
 * Runs a graph: starts what is ready, waits, settles, until every job has ended. A failed job fails the workflow. A long
 * one goes on in a new execution, which learns from the rows what has ended.
 */
export async function graphRun(input: GraphRunInput): Promise<GraphRunResult> {
  const run = await open(input);
  if (run.outcome === 'dropped') return { dropped: run.message };
  const progress = beginProgress(run.plan, run.kept);
  const settler = createSettler(run.graphRunId);
  setCurrentDetails(`Graph **${run.project}** version ${run.version}, run \`${run.graphRunId}\``);
  const dueAt = deadlineOf(run.plan);
  const pause = hearPauses(run.pause);
  const flight = beginFlight(run, progress, settler, pause);
  hearJobCancels(flight);
  try {
    const ends = [flight.landed, CancellationScope.current().cancelRequested, ...passing(dueAt)];
    const how = await Promise.race(ends);
    if (how === 'continue') {
      await Promise.race([finish(settler, pause), CancellationScope.current().cancelRequested]);
      await continueBy(dueAt)(input);
    }
    if (how === 'overdue') return conclude(run, progress, await timeOut(run, flight, settler));
  } catch (error) {
    if (!isCancellation(error)) throw error;
    // The jobs in flight were told to stop and end by themselves; the rest never starts.
    flight.abandon({ state: 'FAILED', reason: 'cancelled' });
    await flight.landed;
    const end = await close(run, settler, { state: 'FAILED', reason: 'cancelled' });
    if (end.reason === 'cancelled') throw error;
    return conclude(run, progress, end);
  }
  return conclude(run, progress, await close(run, settler, verdict(progress)));
}

/** All that is to be in the rows before a new execution reads them. */
async function finish(settler: Settler, pause: Pause): Promise<void> {
  await settler.finish();
  await pause.noted();
}

/** The run takes too long: what is in flight is cancelled, the rest never starts. */
async function timeOut(run: OpenedRun, flight: Flight, settler: Settler): Promise<GraphEnd> {
  flight.abandon({ state: 'FAILED', reason: 'cancelled' });
  flight.cancelJobs();
  await flight.landed;
  const error = { type: workflowFailures.timedOut, message: describeTimeout(run) };
  return close(run, settler, { state: 'FAILED', reason: 'timed_out' }, error);
}

function conclude(run: OpenedRun, progress: Progress, end: GraphEnd): GraphRunResult {
  if (end.state === 'SUCCESS') return { graphRunId: run.graphRunId, state: end.state };
  if (end.reason === 'cancelled') throw new CancelledFailure('the run was cancelled');
  if (end.reason === 'timed_out') {
    throw ApplicationFailure.nonRetryable(describeTimeout(run), workflowFailures.timedOut);
  }
  throw ApplicationFailure.nonRetryable(describeFailures(progress), workflowFailures.jobFailed);
}

async function open(input: GraphRunInput): Promise<Exclude<OpenedGraphRun, NotOpened>> {
  const { firstExecutionRunId, continuedFromExecutionRunId: continuedFrom } = workflowInfo();
  const scheduled = readFired(workflowInfo());
  const request = {
    input,
    firstExecutionRunId,
    ...(continuedFrom && { continuedFrom }),
    ...(scheduled && { scheduled }),
  };
  const opened = await locallyOrQueued(
    () => local.openGraphRun(request),
    () => queued(bookkeepingActivityIds.open).openGraphRun(request),
  );
  if (opened.outcome === 'opened' || opened.outcome === 'dropped') return opened;
  throw ApplicationFailure.nonRetryable(opened.message, workflowFailures[opened.outcome]);
}

/**
 * The end, with state and reason as its input, so that the history carries them. Resolves with what is recorded. That may be
 * another end: a cancel that comes while the run is closed makes Temporal ask for the workflow's last step once more, with
 * nothing left in the history of the one before.
 */
async function close(
  run: OpenedRun,
  settler: Settler,
  end: GraphEnd,
  error: RunError | null = null,
): Promise<GraphEnd> {
  const settle: readonly EndedJob[] = await settler.drain();
  const request = { graphRunId: run.graphRunId, end, error, settle };
  const recorded: GraphEnd | undefined = await locallyOrQueued(
    () => local.closeGraphRun(request),
    () => queued(bookkeepingActivityIds.close).closeGraphRun(request),
  );
  // Histories of before tell of none.
  return recorded ?? end;
}

function describeTimeout({ plan }: OpenedRun): string {
  return `the run took longer than its timeout of ${writeDuration(plan.timeoutMs ?? 0)}`;
}

const failuresShown = 10;

function describeFailures(progress: Progress): string {
  const failed = progress.plan.keys.filter((_, job) => progress.ends[job]?.state === 'FAILED');
  const shown = failed.slice(0, failuresShown).join(', ');
  return `failed jobs: ${shown}${failed.length > failuresShown ? ` and ${failed.length - failuresShown} more` : ''}`;
}
