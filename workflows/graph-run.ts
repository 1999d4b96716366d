import {
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { EndedJob } from '../activities/bookkeeping.ts';
import { limits } from '../graph/limits.ts';
import { rulesAt } from '../graph/plan.ts';
import {
  abandonRest,
  beginProgress,
  completeJob,
  isDone,
  type Progress,
  takeReady,
  takeSettled,
  verdict,
} from '../graph/planner.ts';
import type { GraphEnd, JobEnd } from '../graph/states.ts';
import type { OpenedGraphRun } from '../store/execution.ts';
import { local, locallyOrQueued, queued } from './bookkeeping.ts';
import { bookkeepingActivityIds, type GraphRunInput, workflowFailures } from './contract.ts';
import { attemptJob } from './job-attempts.ts';
import { createSettler, type Settler } from './settler.ts';

export interface GraphRunResult {
  readonly graphRunId: string;
  readonly state: 'SUCCESS';
}

/** Jobs whose activities are under way, and how many have ended; `crash` is a fault of ours. */
interface Flight {
  jobs: number;
  landed: number;
  crash: { readonly error: unknown } | null;
}

type Run = Extract<OpenedGraphRun, { outcome: 'opened' }>;

/** Runs a graph: starts what is ready, waits, settles, until every job has ended. A failed job fails the workflow. */
export async function graphRun(input: GraphRunInput): Promise<GraphRunResult> {
  const run = await open(input);
  const progress = beginProgress(run.plan);
  const settler = createSettler(run.graphRunId);
  const flight: Flight = { jobs: 0, landed: 0, crash: null };
  setCurrentDetails(`Graph **${run.project}** version ${run.version}, run \`${run.graphRunId}\``);
  try {
    await runJobs(run, progress, settler, flight);
  } catch (error) {
    if (!isCancellation(error)) throw error;
    await CancellationScope.nonCancellable(() => endCancelled(progress, settler, flight));
    await close(run, settler, { state: 'FAILED', reason: 'cancelled' });
    throw error;
  }
  const end = verdict(progress);
  await close(run, settler, end);
  if (end.state === 'SUCCESS') return { graphRunId: run.graphRunId, state: end.state };
  throw ApplicationFailure.nonRetryable(describeFailures(progress), workflowFailures.jobFailed);
}

async function open(input: GraphRunInput): Promise<Run> {
  const request = { input, firstExecutionRunId: workflowInfo().firstExecutionRunId };
  const opened = await locallyOrQueued(
    () => local.openGraphRun(request),
    () => queued(bookkeepingActivityIds.open).openGraphRun(request),
  );
  if (opened.outcome === 'opened') return opened;
  throw ApplicationFailure.nonRetryable(opened.message, workflowFailures[opened.outcome]);
}

async function runJobs(run: Run, progress: Progress, settler: Settler, flight: Flight): Promise<void> {
  const runOne = async (job: number): Promise<void> => {
    const end = await runJob(run, settler, job);
    completeJob(progress, job, end);
    flight.jobs -= 1;
    flight.landed += 1;
  };
  for (;;) {
    for (const job of takeReady(progress, limits.jobsInFlightDefault - flight.jobs)) {
      flight.jobs += 1;
      runOne(job).catch((error: unknown) => {
        flight.crash = { error };
      });
    }
    addSettled(progress, settler);
    if (isDone(progress)) return;
    settler.flush();
    const landed = flight.landed;
    await untilNews(flight, settler, () => flight.landed > landed);
  }
}

async function untilNews(flight: Flight, settler: Settler, news: () => boolean): Promise<void> {
  await condition(() => news() || settler.isWaitedFor() || flight.crash !== null);
  if (flight.crash) throw flight.crash.error;
}

async function runJob(run: Run, settler: Settler, job: number): Promise<JobEnd> {
  const { graphRunId, projectId, project, version, params, plan } = run;
  const rules = rulesAt(plan, job);
  const key = plan.keys[job] as string;
  const given = Object.keys(params).length > 0 ? { params } : {};
  const input = { projectId, project, version, job: key, kind: rules.kind, graphRunId, ...given };
  const { recorded, ...ended } = await attemptJob(input, rules);
  return recorded ? ended.end : settler.settle({ job: key, ...ended });
}

/** The jobs in flight were told to stop and end by themselves; the rest never starts. */
async function endCancelled(progress: Progress, settler: Settler, flight: Flight): Promise<void> {
  abandonRest(progress, { state: 'FAILED', reason: 'cancelled' });
  while (!isDone(progress)) {
    settler.flush();
    await untilNews(flight, settler, () => isDone(progress));
  }
  addSettled(progress, settler);
}

/** What the planner ended without running. */
function addSettled(progress: Progress, settler: Settler): void {
  for (const { job, end } of takeSettled(progress))
    settler.add({ job: progress.plan.keys[job] as string, end, error: null });
}

/** The end, with state and reason as its input, so that the history carries them. */
async function close(run: Run, settler: Settler, end: GraphEnd): Promise<void> {
  const settle: readonly EndedJob[] = await settler.drain();
  const request = { graphRunId: run.graphRunId, end, error: null, settle };
  await locallyOrQueued(
    () => local.closeGraphRun(request),
    () => queued(bookkeepingActivityIds.close).closeGraphRun(request),
  );
}

const failuresShown = 10;

function describeFailures(progress: Progress): string {
  const failed = progress.plan.keys.filter((_, job) => progress.ends[job]?.state === 'FAILED');
  const shown = failed.slice(0, failuresShown).join(', ');
  return `failed jobs: ${shown}${failed.length > failuresShown ? ` and ${failed.length - failuresShown} more` : ''}`;
}
