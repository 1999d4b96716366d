// What an attempt hands to Temporal: the mark says that its end is recorded. An end without it came from outside.

import type { GrantedSlots } from './asked-slots.ts';
import type { ErrorCode } from './errors.ts';
import type { JobEnd, JobFailure } from './states.ts';
import type { Fence } from './transitions.ts';

/** `granted`: other jobs of the run, which have got what the job held of pools. */
export interface RecordedResult {
  readonly fence: Fence;
  readonly hash: string | null;
  readonly bytes: number;
  /** The output itself, where it is small. */
  readonly output?: unknown;
  /** The job's condition was false. */
  readonly skipped?: true;
  readonly granted?: readonly GrantedSlots[];
}

/** A success that Postgres was away for: the workflow settles it, with its output. */
export interface UnrecordedResult {
  readonly unrecorded: { readonly output?: unknown; readonly skipped?: true };
}

/** The first detail of an ApplicationFailure whose end is recorded as final. */
export interface RecordedFailure {
  readonly fence: Fence;
  readonly recorded: JobFailure;
  readonly granted?: readonly GrantedSlots[];
}

/** The first detail of the failure of an attempt whose worker was stopped: the workflow has the job run again at once. */
export interface StoppedAttempt {
  readonly fence: Fence;
  readonly stopped: true;
  /** It never began, since the job has not the slots of its pools: the workflow asks for them first. */
  readonly needsSlots?: true;
}

export function isStoppedAttempt(value: unknown): value is StoppedAttempt {
  return isObject(value) && hasFence(value) && 'stopped' in value && value.stopped === true;
}

export function isRecordedResult(value: unknown): value is RecordedResult {
  return isObject(value) && hasFence(value) && 'hash' in value;
}

/** How the job ended whose activity was completed with this. */
export function successOf(value: unknown): JobEnd {
  const marked =
    isObject(value) && 'unrecorded' in value ? value.unrecorded : isRecordedResult(value) && value;
  const isSkipped = isObject(marked) && 'skipped' in marked && marked.skipped === true;
  return { state: 'SUCCESS', reason: isSkipped ? 'skipped' : null };
}

/**
 * The output of a success that is not recorded. One that the worker could not record is wrapped; whatever else has no mark
 * was given from outside (`temporal activity complete`), and is the output itself.
 */
export function unrecordedOutput(value: unknown): unknown {
  if (!isObject(value) || !('unrecorded' in value) || !isObject(value.unrecorded)) return value ?? undefined;
  return 'output' in value.unrecorded ? value.unrecorded.output : undefined;
}

export function isRecordedFailure(value: unknown): value is RecordedFailure {
  return isObject(value) && hasFence(value) && 'recorded' in value && typeof value.recorded === 'string';
}

/** Why a job failed whose attempt could not record its end, by the type that Temporal was told. */
export function unrecordedReason(type: string | null | undefined): 'timed_out' | 'error' {
  const timedOut: ErrorCode = 'JOB_TIMED_OUT';
  return type === timedOut ? 'timed_out' : 'error';
}

function hasFence(value: object): boolean {
  return (
    'fence' in value && isObject(value.fence) && 'runId' in value.fence && 'scheduledAtMs' in value.fence
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
