import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  isCancellation,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { SettleLoneInput } from '../activities/bookkeeping.ts';
import type { RunJobInput } from '../activities/resolve-job.ts';
import type { JobRules } from '../graph/rules.ts';
import type { JobEnd } from '../graph/states.ts';
import type { RunError } from '../graph/transitions.ts';
import type { OpenedJobRun } from '../store/execution.ts';
import { local, locallyOrQueued, queued } from './bookkeeping.ts';
import { bookkeepingActivityIds, type JobRunInput, workflowFailures } from './contract.ts';
import { type AttemptedEnd, attemptJob, dueAtOf } from './job-attempts.ts';
import { createPoolLine } from './pool-line.ts';

export interface JobRunResult {
  readonly jobRunId: string;
  readonly state: 'SUCCESS';
}

type Run = Extract<OpenedJobRun, { outcome: 'opened' }>;
type LoneJob = RunJobInput & { readonly jobRunId: string };

/** Runs one job alone. A failed job fails the workflow. */
export async function jobRun(input: JobRunInput): Promise<JobRunResult> {
  const run = await open(input);
  const { jobRunId, projectId, project, version, rules } = run;
  setCurrentDetails(`Job **${input.job}** of **${project}** version ${version}, run \`${jobRunId}\``);
  const job = { projectId, project, version, job: input.job, kind: rules.kind, jobRunId };
  const { end, error } = await runUntilEnded(job, rules);
  await close(end, error);
  if (end.state === 'SUCCESS') return { jobRunId, state: end.state };
  const message = error?.message ?? `the job ended as FAILED/${end.reason}`;
  if (end.reason === 'cancelled') throw new CancelledFailure(message);
  throw ApplicationFailure.nonRetryable(message, workflowFailures.jobFailed);
}

async function open(input: JobRunInput): Promise<Run> {
  const request = { input, firstExecutionRunId: workflowInfo().firstExecutionRunId };
  const opened = await locallyOrQueued(
    () => local.openJobRun(request),
    () => queued(bookkeepingActivityIds.open).openJobRun(request),
  );
  if (opened.outcome === 'opened') return opened;
  throw ApplicationFailure.nonRetryable(opened.message, workflowFailures[opened.outcome]);
}

interface Ended {
  readonly end: JobEnd;
  readonly error: RunError | null;
}

/** Asks for slots first where it needs them, and again should it be found without. */
async function runUntilEnded(job: LoneJob, rules: JobRules): Promise<Ended> {
  let granted = (): void => {};
  let lost = (_error: unknown): void => {};
  const begin = (): void => granted();
  const fail = (error: unknown): void => lost(error);
  const line = rules.pools ? createPoolLine({ jobRunId: job.jobRunId }, begin, () => {}, fail) : null;
  for (;;) {
    const waiting = new Promise<void>((resolve, reject) => {
      granted = resolve;
      lost = reject;
    });
    line?.ask(job.job);
    const ended = (line && (await waitForSlots(waiting))) ?? (await attemptUntilEnded(job, rules));
    if (ended) return ended;
  }
}

/** Resolves once it has them, with null; or with how it ends since it was cancelled before. */
async function waitForSlots(granted: Promise<void>): Promise<Ended | null> {
  try {
    await Promise.race([granted, CancellationScope.current().cancelRequested]);
    return null;
  } catch (failure) {
    if (!isCancellation(failure)) throw failure;
    const error = { type: 'Cancelled', message: 'it was cancelled while it waited for slots of its pools' };
    return { end: { state: 'FAILED', reason: 'cancelled' }, error };
  }
}

/**
 * Again where no attempt has begun: what was handed out to a worker that was told to stop. Null for one that needs slots
 * before.
 */
async function attemptUntilEnded(job: LoneJob, rules: JobRules): Promise<Ended | null> {
  const dueAt = dueAtOf(rules);
  for (;;) {
    const attempted = await new Promise<AttemptedEnd | null>((tell) => {
      attemptJob(job, rules, dueAt, { ended: tell, needsSlots: () => tell(null) });
    });
    if (attempted === null) return null;
    const { recorded, ...ended } = attempted;
    const end = recorded ? ended.end : await settle({ jobRunId: job.jobRunId, ...ended });
    if (end !== null) return { end, error: ended.error };
  }
}

/** A recorded SUCCESS wins over the end that the workflow saw. */
async function settle(ended: SettleLoneInput): Promise<JobEnd | null> {
  const [recorded = ended.end] = await CancellationScope.nonCancellable(() =>
    queued(bookkeepingActivityIds.settle).settleLone(ended),
  );
  return recorded;
}

async function close(end: JobEnd, error: RunError | null): Promise<void> {
  await locallyOrQueued(
    () => local.closeJobRun({ end, error }),
    () => queued(bookkeepingActivityIds.close).closeJobRun({ end, error }),
  );
}
