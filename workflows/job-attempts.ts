// One job as the workflow sees it: an activity, and what its end means.
import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  proxyActivities,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { JobActivities } from '../activities/index.ts';
import type { RunJobInput } from '../activities/resolve-job.ts';
import type { GrantedSlots } from '../graph/asked-slots.ts';
import {
  isRecordedFailure,
  isRecordedResult,
  isStoppedAttempt,
  type RecordedFailure,
  type RecordedResult,
  type StoppedAttempt,
  successOf,
  unrecordedOutput,
  unrecordedReason,
} from '../graph/attempt-results.ts';
import { writeDuration } from '../graph/durations.ts';
import { heartbeat, type JobRules } from '../graph/rules.ts';
import type { JobEnd } from '../graph/states.ts';
import type { RunError } from '../graph/transitions.ts';
import { recordingGraceMs } from './contract.ts';

/** How a job's activity ended; `recorded` is false for an end that no attempt could write, which is to be settled. */
export interface AttemptedEnd {
  readonly end: JobEnd;
  readonly recorded: boolean;
  readonly error: RunError | null;
  /** Of a success that is to be settled. */
  readonly output?: unknown;
  /** Jobs of the run that have slots of pools by that. */
  readonly granted?: readonly GrantedSlots[];
  /** It has ended so only if an attempt has begun: else it is to be attempted again. */
  readonly ifBegun?: boolean;
}

/** When the `totalTimeout` of a job that begins now is over, in the workflow's time; null where it has none. */
export function dueAtOf({ totalTimeoutMs }: JobRules): number | null {
  return totalTimeoutMs === undefined ? null : Date.now() + totalTimeoutMs;
}

/** What becomes of a job that is given to a worker. */
export interface AttemptTold {
  /** It has ended. An error that is no end of an activity fails the task. */
  ended(ended: AttemptedEnd): void;
  /** It has not begun, and has not the slots of its pools: they are to be asked for. */
  needsSlots(): void;
}

/** Runs a job to its end, with its retries, and tells of it. */
export function attemptJob(
  input: RunJobInput,
  rules: JobRules,
  dueAt: number | null,
  tell: AttemptTold,
): void {
  const { runJob } = proxyActivities<JobActivities>({
    activityId: input.job,
    summary: rules.kind,
    startToCloseTimeout: rules.timeoutMs + recordingGraceMs,
    ...(dueAt !== null && { scheduleToCloseTimeout: Math.max(1, dueAt - Date.now()) }),
    heartbeatTimeout: heartbeat.timeoutMs,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      maximumAttempts: rules.retry.maximumAttempts,
      initialInterval: rules.retry.initialIntervalMs,
      backoffCoefficient: rules.retry.backoffCoefficient,
      maximumInterval: rules.retry.maximumIntervalMs,
      nonRetryableErrorTypes: [...rules.retry.nonRetryableErrors],
    },
  });
  runJob(input).then(
    (result) => tell.ended(readResult(result)),
    (failure) => {
      const stopped = readStopped(failure);
      if (stopped?.needsSlots) tell.needsSlots();
      // Its worker was stopped: another takes the job at once, with all its attempts and what is left of its time.
      else if (stopped) attemptJob({ ...input, again: true }, rules, dueAt, tell);
      else if (isOverdue(failure)) tell.ended(overdue(input, rules, failure));
      else tell.ended(readFailure(failure, rules));
    },
  );
}

function readResult(result: unknown): AttemptedEnd {
  const succeeded = { end: successOf(result), error: null };
  if (isRecordedResult(result)) return { ...succeeded, recorded: true, ...grantedBy(result) };
  return { ...succeeded, recorded: false, output: unrecordedOutput(result) };
}

function grantedBy({ granted }: RecordedResult | RecordedFailure): Pick<AttemptedEnd, 'granted'> {
  return granted ? { granted } : {};
}

function readStopped(failure: unknown): StoppedAttempt | null {
  const cause = failure instanceof ActivityFailure ? failure.cause : undefined;
  const mark = cause instanceof ApplicationFailure ? cause.details?.[0] : undefined;
  return isStoppedAttempt(mark) ? mark : null;
}

/** Its `totalTimeout` is over: in an attempt, or the next one would begin too late. */
function isOverdue(failure: unknown): failure is ActivityFailure {
  if (!(failure instanceof ActivityFailure)) return false;
  const { cause, retryState } = failure;
  if (cause instanceof TimeoutFailure) return cause.timeoutType === 'SCHEDULE_TO_CLOSE';
  const isThrown = cause instanceof ApplicationFailure && !isRecordedFailure(cause.details?.[0]);
  return isThrown && retryState === 'TIMEOUT';
}

function overdue({ job }: RunJobInput, { totalTimeoutMs }: JobRules, failure: ActivityFailure): AttemptedEnd {
  const last = failure.cause instanceof ApplicationFailure ? ` Its last error: ${failure.cause.message}` : '';
  const message = `Job "${job}" was not done within its totalTimeout of ${writeDuration(totalTimeoutMs ?? 0)}.${last}`;
  const error = { type: 'JOB_TIMED_OUT', code: 'JOB_TIMED_OUT', message } as const;
  return { end: { state: 'FAILED', reason: 'timed_out' }, recorded: false, error };
}

function readFailure(failure: unknown, { retry }: JobRules): AttemptedEnd {
  // Cancelled before it was scheduled.
  if (failure instanceof CancelledFailure) return unrecorded('cancelled', failure, 'Cancelled');
  if (!(failure instanceof ActivityFailure)) throw failure;
  const { cause } = failure;
  if (cause instanceof CancelledFailure) return unrecorded('cancelled', cause, 'Cancelled');
  if (cause instanceof TimeoutFailure) {
    // Without a beat nobody knows what became of the work; with one, its time was out.
    const lost = cause.timeoutType === 'HEARTBEAT';
    const ended = unrecorded(lost ? 'lost' : 'timed_out', cause, `Timeout:${cause.timeoutType ?? 'UNKNOWN'}`);
    // Handed to a worker that was just told to stop, perhaps, which never had it: no attempt of its own is left for that.
    return lost && retry.maximumAttempts === 1 ? { ...ended, ifBegun: true } : ended;
  }
  if (cause instanceof ApplicationFailure) {
    const mark = cause.details?.[0];
    const error = { type: cause.type ?? 'Error', message: cause.message };
    if (isRecordedFailure(mark))
      return { end: { state: 'FAILED', reason: mark.recorded }, recorded: true, error, ...grantedBy(mark) };
    return { end: { state: 'FAILED', reason: unrecordedReason(cause.type) }, recorded: false, error };
  }
  return unrecorded('error', cause ?? failure, 'Error');
}

function unrecorded(
  reason: 'cancelled' | 'lost' | 'timed_out' | 'error',
  error: Error,
  type: string,
): AttemptedEnd {
  return { end: { state: 'FAILED', reason }, recorded: false, error: { type, message: error.message } };
}
