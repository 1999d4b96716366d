// What Temporal's history of one execution says of a run and its jobs. Pure: a fold over its events.
import { defaultPayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import { isRecordedFailure, isRecordedResult, isStoppedAttempt } from '../graph/attempt-results.ts';
import type { GraphEnd, JobEnd } from '../graph/states.ts';
import type { RunError } from '../graph/transitions.ts';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;
type Payloads = temporal.api.common.v1.IPayloads | null | undefined;
type Failure = temporal.api.failure.v1.IFailure | null | undefined;

/** How a job's activity ended, by the history alone. */
export interface HistoryJob {
  readonly end: JobEnd;
  readonly error: RunError | null;
  /** Of a recorded output. */
  readonly hash: string | null;
  readonly bytes: number;
  /** Where it travelled through Temporal. */
  readonly output?: unknown;
  readonly eventId: number;
}

export interface RunHistory {
  /** By activity id, which is the job's key. */
  readonly jobs: ReadonlyMap<string, HistoryJob>;
  /** Jobs whose activity was scheduled, with the event that did it. */
  readonly scheduled: ReadonlyMap<string, number>;
  /** How the workflow itself ended the run; null while it is open, or when it was ended from outside. */
  readonly end: GraphEnd | null;
  /** The last event that was copied by a reset; 0 without one. */
  readonly resetAtEventId: number;
  readonly events: number;
}

interface Reading {
  readonly jobs: Map<string, HistoryJob>;
  readonly scheduled: Map<string, number>;
  /** Event id of a scheduling to the activity that it schedules. */
  readonly activities: Map<number, { readonly id: string; readonly input: Payloads }>;
  end: GraphEnd | null;
  resetAtEventId: number;
  events: number;
}

export function readHistory(events: Iterable<HistoryEvent>): RunHistory {
  const reading: Reading = {
    jobs: new Map(),
    scheduled: new Map(),
    activities: new Map(),
    end: null,
    resetAtEventId: 0,
    events: 0,
  };
  for (const event of events) readEvent(reading, event);
  return reading;
}

const settlePrefix = 'graphrun:settle';

function readEvent(reading: Reading, event: HistoryEvent): void {
  const eventId = Number(event.eventId ?? 0);
  reading.events += 1;
  const scheduled = event.activityTaskScheduledEventAttributes;
  if (scheduled?.activityId) {
    reading.activities.set(eventId, { id: scheduled.activityId, input: scheduled.input });
    if (!scheduled.activityId.includes(':')) reading.scheduled.set(scheduled.activityId, eventId);
  }
  const completed = event.activityTaskCompletedEventAttributes;
  if (completed) readCompleted(reading, Number(completed.scheduledEventId ?? 0), completed.result, eventId);
  const failed = event.activityTaskFailedEventAttributes;
  const hasFailed = failed && !isStopped(failed.failure);
  if (hasFailed) endJob(reading, Number(failed.scheduledEventId ?? 0), readFailure(failed.failure), eventId);
  const timedOut = event.activityTaskTimedOutEventAttributes;
  if (timedOut) {
    const heartbeat = timedOut.failure?.timeoutFailureInfo?.timeoutType === timeoutTypeHeartbeat;
    const end = { state: 'FAILED', reason: heartbeat ? 'lost' : 'timed_out' } as const;
    endJob(
      reading,
      Number(timedOut.scheduledEventId ?? 0),
      { end, error: errorOf(timedOut.failure) },
      eventId,
    );
  }
  const cancelled = event.activityTaskCanceledEventAttributes;
  if (cancelled) {
    const end = { state: 'FAILED', reason: 'cancelled' } as const;
    endJob(reading, Number(cancelled.scheduledEventId ?? 0), { end, error: null }, eventId);
  }
  if (event.workflowTaskFailedEventAttributes?.newRunId) reading.resetAtEventId = eventId;
  reading.end = endOfWorkflow(event) ?? reading.end;
}

/** `TIMEOUT_TYPE_HEARTBEAT`. */
const timeoutTypeHeartbeat = 4;

function endOfWorkflow(event: HistoryEvent): GraphEnd | null {
  if (event.workflowExecutionCompletedEventAttributes) return { state: 'SUCCESS', reason: null };
  if (event.workflowExecutionCanceledEventAttributes) return { state: 'FAILED', reason: 'cancelled' };
  const type = event.workflowExecutionFailedEventAttributes?.failure?.applicationFailureInfo?.type;
  if (type === 'job_failed' || type === 'invalid') return { state: 'FAILED', reason: type };
  return null;
}

function readCompleted(reading: Reading, scheduledEventId: number, result: Payloads, eventId: number): void {
  const activity = reading.activities.get(scheduledEventId);
  if (!activity) return;
  const value = fromPayloads(result);
  if (activity.id.startsWith(settlePrefix)) {
    readSettled(reading, fromPayloads(activity.input), value, eventId);
  } else if (!activity.id.includes(':')) {
    const recorded = isRecordedResult(value) ? value : null;
    reading.jobs.set(activity.id, {
      end: { state: 'SUCCESS', reason: null },
      error: null,
      hash: recorded?.hash ?? null,
      bytes: recorded?.bytes ?? 0,
      ...(recorded && 'output' in recorded && { output: recorded.output }),
      eventId,
    });
  }
}

/** Settled jobs have no activity of their own to end; what the store answered counts over what was asked. */
function readSettled(reading: Reading, input: unknown, answer: unknown, eventId: number): void {
  if (!isSettle(input) || !Array.isArray(answer)) return;
  input.jobs.forEach(({ job }, place) => {
    const end: unknown = answer[place];
    if (!isJobEnd(end)) return;
    const known = reading.jobs.get(job);
    reading.jobs.set(job, {
      error: known?.error ?? null,
      hash: known?.hash ?? null,
      bytes: known?.bytes ?? 0,
      end,
      eventId,
    });
  });
}

function endJob(
  reading: Reading,
  scheduledEventId: number,
  ended: { readonly end: JobEnd; readonly error: RunError | null },
  eventId: number,
): void {
  const activity = reading.activities.get(scheduledEventId);
  if (!activity || activity.id.includes(':')) return;
  reading.jobs.set(activity.id, { ...ended, hash: null, bytes: 0, eventId });
}

/** Its worker was stopped: the job goes on with an activity of the same id. */
function isStopped(failure: Failure): boolean {
  return isStoppedAttempt(fromPayloads(failure?.applicationFailureInfo?.details));
}

function readFailure(failure: Failure): { readonly end: JobEnd; readonly error: RunError | null } {
  const details = failure?.applicationFailureInfo?.details;
  const mark = fromPayloads(details);
  const reason = isRecordedFailure(mark) ? mark.recorded : 'error';
  return { end: { state: 'FAILED', reason }, error: errorOf(failure) };
}

function errorOf(failure: Failure): RunError | null {
  if (!failure) return null;
  const type = failure.applicationFailureInfo?.type || 'Error';
  return { type, message: failure.message ?? '' };
}

function fromPayloads(payloads: Payloads): unknown {
  const payload = payloads?.payloads?.[0];
  return payload ? defaultPayloadConverter.fromPayload(payload) : undefined;
}

function isSettle(value: unknown): value is { readonly jobs: readonly { readonly job: string }[] } {
  return typeof value === 'object' && value !== null && 'jobs' in value && Array.isArray(value.jobs);
}

function isJobEnd(value: unknown): value is JobEnd {
  return typeof value === 'object' && value !== null && 'state' in value && 'reason' in value;
}
