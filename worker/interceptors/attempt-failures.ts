// What Temporal is told of an attempt that did not succeed.
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { RunJobInput } from '../../activities/resolve-job.ts';
import { workerStopped } from '../../activities/run-job.ts';
import type { RecordedFailure, StoppedAttempt } from '../../graph/attempt-results.ts';
import type { AttemptEnd, Fence } from '../../graph/transitions.ts';
import { describeError, typeOf } from './classify-failure.ts';
import { retryDelayOf } from './retry-delay.ts';

const supersededType = 'SUPERSEDED';

/** The attempt has nothing to tell any more: it ends without another try and without a write. */
export function supersededFailure(job: RunJobInput, message: string): ApplicationFailure {
  return ApplicationFailure.create({
    type: supersededType,
    message: `Job "${job.job}": ${message}`,
    nonRetryable: true,
  });
}

/** Not another try of this activity: what a deploy takes from a job does not count against its attempts. */
export function stoppedFailure(job: RunJobInput, fence: Fence): ApplicationFailure {
  const { code, message } = workerStopped(job.job);
  const mark: StoppedAttempt = { fence, stopped: true };
  return ApplicationFailure.create({ type: code, message, nonRetryable: true, details: [mark] });
}

const slotlessType = 'SLOTS_NOT_HELD';

/** No end, and no attempt: the workflow asks for the slots, and begins the job when it has them. */
export function slotlessFailure(job: string, fence: Fence): ApplicationFailure {
  const mark: StoppedAttempt = { fence, stopped: true, needsSlots: true };
  return ApplicationFailure.create({
    type: slotlessType,
    message: `Job "${job}" has not the slots of its pools any more, since its run was reset; it asks for them again.`,
    nonRetryable: true,
    details: [mark],
  });
}

export function isSlotless(error: unknown): error is Error {
  return error instanceof Error && typeOf(error) === slotlessType;
}

export function isSuperseded(error: unknown): error is Error {
  return error instanceof Error && typeOf(error) === supersededType;
}

/** What Temporal is told; a recorded final end carries the mark, so that the workflow need not settle it. */
export function toFailure(
  error: unknown,
  { end, granted }: { readonly end: AttemptEnd | null; readonly granted: RecordedFailure['granted'] },
  fence: Fence,
  final: boolean,
): Error {
  if (error instanceof CancelledFailure) return error;
  const { message, stack } = describeError(error);
  const mark: RecordedFailure[] =
    end?.kind === 'failure'
      ? [
          {
            fence,
            recorded: end.end.reason as RecordedFailure['recorded'],
            ...(granted && { granted }),
          },
        ]
      : [];
  const delay = retryDelayOf(error);
  // Cut as the row is: a failure of megabytes would never reach the server.
  const failure = ApplicationFailure.create({
    type: typeOf(error),
    message,
    nonRetryable: final,
    details: mark,
    ...(delay && { nextRetryDelay: delay.ms }),
  });
  if (stack !== undefined) failure.stack = stack;
  return failure;
}
