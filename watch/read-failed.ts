// What an activity that failed tells by its failure. Pure.
import { defaultPayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import { isRecordedFailure, isStoppedAttempt, unrecordedReason } from '../graph/attempt-results.ts';
import type { JobEnd } from '../graph/states.ts';
import type { RunError } from '../graph/transitions.ts';

type Failed = temporal.api.history.v1.IActivityTaskFailedEventAttributes;
type Failure = temporal.api.failure.v1.IFailure | null | undefined;

export interface FailedActivity {
  readonly end: JobEnd;
  readonly error: RunError | null;
  /** The execution whose attempt recorded this end as final; null for an end that no attempt of ours recorded. */
  readonly recordedIn: string | null;
}

/** `RETRY_STATE_TIMEOUT`: the next attempt would begin after the job's `totalTimeout`. */
const retryStateTimeout = 3;

export function readFailed({ failure, retryState }: Failed): FailedActivity {
  const mark = markOf(failure);
  const recorded = isRecordedFailure(mark) ? mark : null;
  const isOverdue = retryState === retryStateTimeout;
  const unrecorded = isOverdue ? 'timed_out' : unrecordedReason(failure?.applicationFailureInfo?.type);
  return {
    end: { state: 'FAILED', reason: recorded?.recorded ?? unrecorded },
    error: errorOf(failure),
    recordedIn: recorded?.fence.runId ?? null,
  };
}

/** Its worker was stopped: the job goes on with an activity of the same id. */
export function isStopped(failure: Failure): boolean {
  return isStoppedAttempt(markOf(failure));
}

/** No attempt has begun, though the server counts one. */
export function needsSlots(failure: Failure): boolean {
  const mark = markOf(failure);
  return isStoppedAttempt(mark) && mark.needsSlots === true;
}

export function errorOf(failure: Failure): RunError | null {
  if (!failure) return null;
  const type = failure.applicationFailureInfo?.type || 'Error';
  return { type, message: failure.message ?? '' };
}

export function fromPayloads(payloads: temporal.api.common.v1.IPayloads | null | undefined): unknown {
  const payload = payloads?.payloads?.[0];
  return payload ? defaultPayloadConverter.fromPayload(payload) : undefined;
}

function markOf(failure: Failure): unknown {
  return fromPayloads(failure?.applicationFailureInfo?.details);
}
