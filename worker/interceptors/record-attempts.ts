// Writes every attempt of a job: its start and its end. Bookkeeping activities pass through unseen.
import type { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import type { Dependencies } from '../../activities/dependencies.ts';
import { encodeOutput } from '../../activities/encode-output.ts';
import { jobRunIdFor, type RunJobInput, resolveJob, resolveKind } from '../../activities/resolve-job.ts';
import { type StartedAttempt, workerStopped } from '../../activities/run-job.ts';
import { skipped } from '../../activities/skipped.ts';
import { whileStoreIsAway } from '../../activities/while-store-is-away.ts';
import type { RecordedResult, UnrecordedResult } from '../../graph/attempt-results.ts';
import { CodedError } from '../../graph/errors.ts';
import { limits } from '../../graph/limits.ts';
import { defaultRetry, heartbeat, type JobRules } from '../../graph/rules.ts';
import type { AttemptEnd, Fence, RecordedOutput } from '../../graph/transitions.ts';
import { workersEndedMax } from '../../graph/worker-ends.ts';
import { readWorkflowId } from '../../graph/workflow-ids.ts';
import type { AnyJobKind } from '../../jobs/define-job-kind.ts';
import type { StartAnswer } from '../../store/recorder.ts';
import type { Store } from '../../store/store.ts';
import type { Guard } from '../guard.ts';
import {
  isSlotless,
  isSuperseded,
  slotlessFailure,
  stoppedFailure,
  supersededFailure,
  toFailure,
} from './attempt-failures.ts';
import { classifyFailure, describeError, isFinalError } from './classify-failure.ts';

export interface RecordingDependencies {
  readonly store: Store;
  readonly kinds: ReadonlyMap<string, AnyJobKind>;
  readonly adopt: Dependencies['adopt'];
  /** Names this worker on the attempts. */
  readonly worker: string;
  /** Knows whose code runs, should it take the worker down. */
  readonly guard: Pick<Guard, 'run'>;
}

export function recordAttempts(
  context: Context,
  deps: RecordingDependencies,
): ActivityInboundCallsInterceptor {
  return {
    execute: (input, next) =>
      context.info.activityType === 'runJob' ? recordAttempt(context, deps, input, next) : next(input),
  };
}

type ExecuteNext = Next<ActivityInboundCallsInterceptor, 'execute'>;

async function recordAttempt(
  context: Context,
  deps: RecordingDependencies,
  input: ActivityExecuteInput,
  next: ExecuteNext,
): Promise<RecordedResult | UnrecordedResult> {
  const attempt = describeAttempt(context, deps, input.args[0] as RunJobInput);
  // From the very first: an attempt that waits for Postgres is alive as well.
  const beat = startBeat(context);
  try {
    return await recordOutcome(context, deps, attempt, input, next, beat.note);
  } finally {
    beat.stop();
    deps.store.recorder.leave({ jobRunId: attempt.subject.jobRunId, fence: attempt.fence });
  }
}

async function recordOutcome(
  context: Context,
  deps: RecordingDependencies,
  attempt: ReturnType<typeof describeAttempt>,
  input: ActivityExecuteInput,
  next: ExecuteNext,
  report: StartedAttempt['report'],
): Promise<RecordedResult | UnrecordedResult> {
  const job = input.args[0] as RunJobInput;
  // Until its rules are known.
  let mayHoldSlots = true;
  const finish = (end: AttemptEnd) =>
    deps.store.recorder.end({ ...attempt, at: new Date(), end, ...(mayHoldSlots && { mayHoldSlots }) });
  let retry = defaultRetry;
  let done: Done;
  try {
    const rules = await whileStoreIsAway(() => findRules(deps, job), context.cancellationSignal);
    retry = rules.retry;
    mayHoldSlots = rules.pools !== undefined;
    const started = await startAttempt(context, deps, job, attempt, rules);
    if (started.verdict === 'recorded') return resultOf(attempt.fence, started);
    const running = { ...attempt, kind: job.kind, attempt: context.info.attempt };
    const work = () => next({ ...input, args: [job, { ...started.attempt, report }] });
    const result = await deps.guard.run(running, work);
    const isSkipped = result === skipped;
    done = { output: isSkipped ? null : encodeOutput(job.job, result), isSkipped };
  } catch (caught) {
    if (isSuperseded(caught)) throw supersededFailure(job, caught.message);
    if (isSlotless(caught)) throw caught;
    const { cancellationDetails: cancel, info } = context;
    const error = cancel?.workerShutdown ? workerStopped(job.job) : caught;
    const end = classifyFailure({ error, cancel, attempt: info.attempt, retry, at: new Date() });
    const written = end === null ? null : await finish(end).catch(orAway);
    const isRecorded = written !== null && written !== 'away' && written.verdict === 'recorded';
    if (cancel?.workerShutdown) throw stoppedFailure(job, attempt.fence);
    if (end === null && cancel?.cancelRequested) throw new CancelledFailure(describeError(error).message);
    const told = { end: isRecorded ? end : null, granted: isRecorded ? written.granted : undefined };
    throw toFailure(error, told, attempt.fence, isFinalError(error, retry));
  }
  // Beyond the catch: an output that cannot be recorded is no failure of the job.
  const { output, isSkipped } = done;
  const end = { kind: 'success', output, ...(isSkipped && { reason: 'skipped' as const }) } as const;
  const answer = await finish(end).catch(orAway);
  if (answer === 'away') return unrecordedResultOf(job, done);
  if (answer.verdict === 'superseded') throw supersededFailure(job, answer.message);
  return { ...resultOf(attempt.fence, done), ...(answer.granted && { granted: answer.granted }) };
}

/** An end that Postgres was away for is told to Temporal as it is, unmarked: the workflow settles it. */
function orAway(error: unknown): 'away' {
  if (error instanceof CodedError && error.code === 'STORE_UNAVAILABLE') return 'away';
  throw error;
}

/** @throws Error for an output that does not travel through Temporal: it waits for Postgres in another attempt. */
function unrecordedResultOf(job: RunJobInput, { output, isSkipped }: Done): UnrecordedResult {
  if (isSkipped) return { unrecorded: { skipped: true } };
  if (output === null) return { unrecorded: {} };
  if (output.bytes > limits.outputBytesThroughTemporal)
    throw new Error(`the output of job "${job.job}" could not be recorded: the metadata database is away`);
  return { unrecorded: { output: JSON.parse(output.text) as unknown } };
}

function startBeat(context: Context): { readonly note: StartedAttempt['report']; stop(): void } {
  let latest: unknown;
  const timer = setInterval(() => context.heartbeat(latest), heartbeat.everyMs);
  return {
    note: (note) => {
      latest = note;
    },
    stop: () => clearInterval(timer),
  };
}

type Started =
  | { readonly verdict: 'run'; readonly attempt: Omit<StartedAttempt, 'report'> }
  | ({ readonly verdict: 'recorded' } & Done);

/** A success, as it is recorded. */
interface Done {
  readonly output: RecordedOutput | null;
  /** By its condition. */
  readonly isSkipped: boolean;
}

/**
 * The first attempt's RUNNING is not waited for, unless the kind writes the warehouse: it needs the fence's token. A
 * later attempt waits, since the one before may have recorded a SUCCESS whose answer was lost. So does one that was
 * given to this worker, perhaps, before the worker stood still: another one may have done the job. And so does the only one
 * that a job may have: should it be lost, the rows tell for sure whether it had begun.
 */
async function startAttempt(
  context: Context,
  deps: RecordingDependencies,
  job: RunJobInput,
  attempt: ReturnType<typeof describeAttempt>,
  { timeoutMs, retry, pools = {} }: JobRules,
): Promise<Started> {
  const { jobRunId } = attempt.subject;
  const epoch = await whileStoreIsAway(() => findEpoch(context, deps), context.cancellationSignal);
  if (epoch === undefined) throw supersededFailure(job, 'this execution does not carry out its run');
  const needsToken = deps.kinds.get(job.kind)?.writesWarehouse ?? false;
  await whileStoreIsAway(
    () => checkSlots(context, deps, attempt, { epoch, pools: Object.keys(pools) }),
    context.cancellationSignal,
  );
  const ageMs = Date.now() - attempt.fence.scheduledAtMs;
  const isOnly = retry.maximumAttempts === 1;
  const isAwaited = context.info.attempt > 1 || isOnly || needsToken || ageMs >= heartbeat.timeoutMs;
  const isFirst = context.info.attempt === 1 && epoch === 1;
  const writing = deps.store.recorder.start({ ...attempt, at: new Date(), isFirst, needsToken, isAwaited });
  // Its failure shows at the outcome, which waits for the same database.
  writing.catch(() => {});
  const given = {
    ...{ jobRunId, epoch, attempt: context.info.attempt, timeoutMs, fence: attempt.fence },
    isFirst: isFirstOfEpoch(context, job),
  };
  if (!isAwaited) return { verdict: 'run', attempt: { ...given, token: null } };
  const answer: StartAnswer = await writing;
  if (answer.verdict === 'superseded') throw supersededFailure(job, answer.message);
  if (answer.verdict === 'recorded') return answer;
  if (answer.workersEnded >= workersEndedMax) throw tooHarmful(job, answer.workersEnded);
  return { verdict: 'run', attempt: { ...given, token: answer.token } };
}

/**
 * The execution that a reset made believes what it was told before: that a job has its slots, which it has given back since.
 * All others start a job when it has them.
 */
async function checkSlots(
  context: Context,
  { store }: RecordingDependencies,
  { subject: { jobRunId, job }, fence }: ReturnType<typeof describeAttempt>,
  { epoch, pools }: { readonly epoch: number; readonly pools: readonly string[] },
): Promise<void> {
  const begunAt = readWorkflowId(executionOf(context).workflowId)?.epoch ?? 1;
  if (pools.length === 0 || epoch === begunAt) return;
  if (await store.execution.holdsSlots({ jobRunId, pools })) return;
  throw slotlessFailure(job, fence);
}

/** `temporal activity reset` counts from 1 again; only its time tells then. */
function isFirstOfEpoch({ info }: Context, job: RunJobInput): boolean {
  const isFirst = info.attempt === 1 && info.currentAttemptScheduledTimestampMs === info.scheduledTimestampMs;
  return isFirst && job.again !== true;
}

function tooHarmful(job: RunJobInput, workersEnded: number): CodedError {
  const message = `Job "${job.job}" has ended ${workersEnded} workers, and with them the other jobs that they ran: it is not tried again. The errors of its attempts tell how.`;
  return new CodedError('JOB_ENDS_WORKERS', message, { data: { workersEnded } });
}

/** Asked once per execution and worker. One that nobody knows was made by a reset, and is taken over here. */
async function findEpoch(context: Context, deps: RecordingDependencies): Promise<number | undefined> {
  const { workflowId, runId } = executionOf(context);
  const known = await deps.store.recorder.epochOf(runId);
  if (known !== undefined) return known;
  await deps.adopt({ workflowId, runId });
  return deps.store.recorder.epochOf(runId);
}

async function findRules(deps: RecordingDependencies, job: RunJobInput): Promise<JobRules> {
  resolveKind(deps, job);
  return (await resolveJob(deps, job)).rules;
}

function describeAttempt(context: Context, { worker }: RecordingDependencies, job: RunJobInput) {
  const { project, job: key, graphRunId = null } = job;
  const subject = { jobRunId: jobRunIdFor(job), project, job: key, graphRunId };
  return { subject, fence: fenceOf(context), worker };
}

function executionOf({ info }: Context): { readonly workflowId: string; readonly runId: string } {
  if (!info.workflowExecution) throw new Error('job attempts run for workflows only');
  return info.workflowExecution;
}

function fenceOf(context: Context): Fence {
  return {
    runId: executionOf(context).runId,
    scheduledAtMs: context.info.currentAttemptScheduledTimestampMs,
  };
}

function resultOf(fence: Fence, { output, isSkipped }: Done): RecordedResult {
  if (output === null) return { fence, hash: null, bytes: 0, ...(isSkipped && { skipped: true }) };
  const { hash, bytes, text } = output;
  const small = bytes <= limits.outputBytesThroughTemporal;
  return { fence, hash, bytes, ...(small && { output: JSON.parse(text) as unknown }) };
}
