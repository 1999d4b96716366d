// What Temporal's history of one execution says of a run and its jobs. Pure: a fold over its events.
import type { temporal } from '@temporalio/proto';
import { isRecordedResult, successOf } from '../graph/attempt-results.ts';
import type { GraphEnd, JobEnd } from '../graph/states.ts';
import { bookkeepingActivityIds, runSignals } from '../workflows/contract.ts';
import { endOfWorkflow, type HistoryEvent } from './end-of-workflow.ts';
import { readFailure } from './pending-activities.ts';
import { answerOfMarker, readAskedSlots } from './read-asked-slots.ts';
import { errorOf, fromPayloads, isStopped, needsSlots, readFailed } from './read-failed.ts';
import type { AskedAt, HistoryAttempt, HistoryJob, RunHistory } from './run-history.ts';

type Payloads = temporal.api.common.v1.IPayloads | null | undefined;
type Started = temporal.api.history.v1.IActivityTaskStartedEventAttributes;
type Failed = temporal.api.history.v1.IActivityTaskFailedEventAttributes;

interface Reading {
  readonly jobs: Map<string, HistoryJob>;
  readonly attempts: Map<string, HistoryAttempt>;
  /** How many attempts the activities had whose workers were stopped, or never had them. */
  readonly stopped: Map<string, number>;
  readonly scheduled: Map<string, number>;
  /** Event id of a scheduling to the activity that it schedules. */
  readonly activities: Map<number, { readonly id: string; readonly input: Payloads }>;
  end: GraphEnd | null;
  cancelRequested: boolean;
  readonly cancelledJobs: Set<string>;
  timerFired: boolean;
  readonly asked: Map<string, AskedAt>;
  continuedFrom: string | null;
  continuedAtEventId: number;
  terminateReason: string | null;
  terminatedBy: string | null;
  resetAtEventId: number;
  events: number;
}

/** The history of an execution, behind those that it goes on from: event ids are counted on over all of them. */
export function readHistory(
  events: Iterable<HistoryEvent>,
  earlier: readonly Iterable<HistoryEvent>[] = [],
): RunHistory {
  const reading: Reading = {
    jobs: new Map(),
    attempts: new Map(),
    stopped: new Map(),
    scheduled: new Map(),
    activities: new Map(),
    end: null,
    cancelRequested: false,
    cancelledJobs: new Set(),
    timerFired: false,
    asked: new Map(),
    continuedFrom: null,
    continuedAtEventId: 0,
    terminateReason: null,
    terminatedBy: null,
    resetAtEventId: 0,
    events: 0,
  };
  for (const execution of [...earlier, events]) readExecution(reading, execution);
  return reading;
}

/** Of none that is continued is anything open. */
function readExecution(reading: Reading, events: Iterable<HistoryEvent>): void {
  reading.activities.clear();
  reading.asked.clear();
  reading.continuedAtEventId = reading.events;
  reading.resetAtEventId = 0;
  for (const event of events) readEvent(reading, event);
}

function readEvent(reading: Reading, event: HistoryEvent): void {
  const eventId = reading.continuedAtEventId + Number(event.eventId ?? 0);
  reading.events += 1;
  readActivityEvent(reading, event, eventId);
  const started = event.workflowExecutionStartedEventAttributes;
  if (started) reading.continuedFrom = started.continuedExecutionRunId || null;
  if (event.workflowExecutionCancelRequestedEventAttributes) reading.cancelRequested = true;
  const signaled = event.workflowExecutionSignaledEventAttributes;
  if (signaled?.signalName === runSignals.cancelJob) readJobCancel(reading, fromPayloads(signaled.input));
  const terminated = event.workflowExecutionTerminatedEventAttributes;
  if (terminated) {
    reading.terminateReason = terminated.reason ?? '';
    reading.terminatedBy = terminated.identity || null;
  }
  const marker = event.markerRecordedEventAttributes;
  if (marker) noteAsked(reading, answerOfMarker(marker), eventId);
  if (event.timerFiredEventAttributes) reading.timerFired = true;
  if (event.workflowTaskFailedEventAttributes?.newRunId) readReset(reading, eventId);
  reading.end = endOfWorkflow(event) ?? reading.end;
}

function readActivityEvent(reading: Reading, event: HistoryEvent, eventId: number): void {
  const scheduled = event.activityTaskScheduledEventAttributes;
  if (scheduled?.activityId) {
    reading.activities.set(eventId, { id: scheduled.activityId, input: scheduled.input });
    const isFirst = isJob(scheduled.activityId) && !reading.scheduled.has(scheduled.activityId);
    if (isFirst) reading.scheduled.set(scheduled.activityId, eventId);
  }
  const started = event.activityTaskStartedEventAttributes;
  if (started) readStarted(reading, started, eventId);
  const completed = event.activityTaskCompletedEventAttributes;
  if (completed) readCompleted(reading, idOf(reading, completed), completed.result, eventId);
  const failed = event.activityTaskFailedEventAttributes;
  if (failed) readFailedEvent(reading, failed, eventId);
  const timedOut = event.activityTaskTimedOutEventAttributes;
  if (timedOut) {
    const heartbeat = timedOut.failure?.timeoutFailureInfo?.timeoutType === timeoutTypeHeartbeat;
    const end = { state: 'FAILED', reason: heartbeat ? 'lost' : 'timed_out' } as const;
    const ended = { end, error: errorOf(timedOut.failure), recordedIn: null };
    endJob(reading, idOf(reading, timedOut), ended, eventId);
  }
  const cancelled = event.activityTaskCanceledEventAttributes;
  if (cancelled) {
    const end = { state: 'FAILED', reason: 'cancelled' } as const;
    const ended = { end, error: null, recordedIn: null };
    endJob(reading, idOf(reading, cancelled), ended, eventId);
  }
}

function readJobCancel(reading: Reading, input: unknown): void {
  if (typeof input === 'object' && input !== null && 'job' in input)
    reading.cancelledJobs.add(String(input.job));
}

function noteAsked(reading: Reading, answer: unknown, eventId: number): void {
  for (const [job, asked] of readAskedSlots(answer)) reading.asked.set(job, { ...asked, eventId });
}

/** Of the event that scheduled an activity, counted on. */
function idOf(reading: Reading, of: Pick<Started, 'scheduledEventId'>): number {
  return reading.continuedAtEventId + Number(of.scheduledEventId ?? 0);
}

/** `TIMEOUT_TYPE_HEARTBEAT`. */
const timeoutTypeHeartbeat = 4;

function readStarted(reading: Reading, started: Started, eventId: number): void {
  const id = reading.activities.get(idOf(reading, started))?.id;
  if (id === undefined || !isJob(id)) return;
  const number = (reading.stopped.get(id) ?? 0) + (started.attempt ?? 1);
  reading.attempts.set(id, { number, lastFailure: readFailure(started.lastFailure), eventId });
}

function readFailedEvent(reading: Reading, failed: Failed, eventId: number): void {
  const scheduledEventId = idOf(reading, failed);
  const id = reading.activities.get(scheduledEventId)?.id ?? '';
  if (needsSlots(failed.failure)) forget(reading, id);
  else if (isStopped(failed.failure)) goOn(reading, id);
  else endJob(reading, scheduledEventId, readFailed(failed), eventId);
}

/** It has not begun. */
function forget(reading: Reading, job: string): void {
  reading.attempts.delete(job);
  reading.scheduled.delete(job);
}

/** What came before was done by another execution: of jobs that are still open it counts no more. */
function readReset(reading: Reading, eventId: number): void {
  reading.resetAtEventId = eventId;
  for (const job of [...reading.attempts.keys()].filter((key) => !reading.jobs.has(key))) {
    reading.attempts.delete(job);
    reading.stopped.delete(job);
  }
}

/** Bookkeeping has a colon in its ids. */
function isJob(activityId: string): boolean {
  return !activityId.includes(':');
}

function readCompleted(reading: Reading, scheduledEventId: number, result: Payloads, eventId: number): void {
  const activity = reading.activities.get(scheduledEventId);
  if (!activity) return;
  const value = fromPayloads(result);
  if (activity.id.startsWith(bookkeepingActivityIds.settle)) {
    readSettled(reading, fromPayloads(activity.input), value, eventId);
  } else if (activity.id.startsWith(bookkeepingActivityIds.slots)) {
    noteAsked(reading, value, eventId);
  } else if (isJob(activity.id)) {
    const recorded = isRecordedResult(value) ? value : null;
    reading.jobs.set(activity.id, {
      end: successOf(value),
      error: null,
      hash: recorded?.hash ?? null,
      bytes: recorded?.bytes ?? 0,
      ...(recorded && 'output' in recorded && { output: recorded.output }),
      eventId,
      recordedIn: recorded?.fence.runId ?? null,
      isSettled: recorded !== null,
    });
  }
}

/** Settled jobs have no activity of their own to end; what the store answered counts over what was asked. */
function readSettled(reading: Reading, input: unknown, answer: unknown, eventId: number): void {
  if (!Array.isArray(answer)) return;
  for (const [place, job] of settledJobs(reading, input).entries()) {
    const end: unknown = answer[place];
    const known = reading.jobs.get(job);
    if (end === null) goOn(reading, job);
    if (!isJobEnd(end)) continue;
    reading.jobs.set(job, {
      error: known?.error ?? null,
      hash: known?.hash ?? null,
      bytes: known?.bytes ?? 0,
      end,
      eventId,
      recordedIn: null,
      isSettled: true,
    });
  }
}

/** It has not ended: it goes on with an activity of the same id. */
function goOn(reading: Reading, job: string): void {
  reading.jobs.delete(job);
  reading.stopped.set(job, reading.attempts.get(job)?.number ?? 0);
}

/** In their order. A job that runs alone is settled without its key: its execution has no other. */
function settledJobs(reading: Reading, input: unknown): string[] {
  if (typeof input !== 'object' || input === null) return [];
  if (!('jobs' in input)) return [...reading.scheduled.keys()].slice(0, 1);
  const jobs: readonly unknown[] = Array.isArray(input.jobs) ? input.jobs : [];
  return jobs.map((ended) =>
    typeof ended === 'object' && ended !== null && 'job' in ended ? String(ended.job) : '',
  );
}

function endJob(
  reading: Reading,
  scheduledEventId: number,
  ended: Pick<HistoryJob, 'end' | 'error' | 'recordedIn'>,
  eventId: number,
): void {
  const activity = reading.activities.get(scheduledEventId);
  if (!activity || !isJob(activity.id)) return;
  const isSettled = ended.recordedIn !== null;
  reading.jobs.set(activity.id, { ...ended, hash: null, bytes: 0, eventId, isSettled });
}

function isJobEnd(value: unknown): value is JobEnd {
  return typeof value === 'object' && value !== null && 'state' in value && 'reason' in value;
}
