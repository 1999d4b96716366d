// What the failure of a job's activity tells, by the history alone. Pure.
import { defaultPayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import { isRecordedFailure, isStoppedAttempt } from '../graph/attempt-results.ts';
import type { JobEnd } from '../graph/states.ts';
import type { RunError } from '../graph/transitions.ts';

export type Payloads = temporal.api.common.v1.IPayloads | null | undefined;
type Failure = temporal.api.failure.v1.IFailure | null | undefined;

/** How a job failed, and the execution whose attempt recorded that; null where none did. */
export interface ToldFailure {
  readonly end: JobEnd;
  readonly error: RunError | null;
  readonly recordedIn: string | null;
}

export function readFailed(failure: Failure): ToldFailure {
  const mark = fromPayloads(failure?.applicationFailureInfo?.details);
  const recorded = isRecordedFailure(mark) ? mark : null;
  return {
    end: { state: 'FAILED', reason: recorded?.recorded ?? 'error' },
    error: errorOf(failure),
    recordedIn: recorded?.fence.runId ?? null,
  };
}

/** Its worker was stopped: the job goes on with an activity of the same id. */
export function isStopped(failure: Failure): boolean {
  return isStoppedAttempt(fromPayloads(failure?.applicationFailureInfo?.details));
}

export function errorOf(failure: Failure): RunError | null {
  if (!failure) return null;
  const type = failure.applicationFailureInfo?.type || 'Error';
  return { type, message: failure.message ?? '' };
}

/** The first of them. */
export function fromPayloads(payloads: Payloads): unknown {
  const payload = payloads?.payloads?.[0];
  return payload ? defaultPayloadConverter.fromPayload(payload) : undefined;
}
