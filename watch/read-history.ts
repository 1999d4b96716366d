// What Temporal's history of one execution says of a run and its jobs. Pure: a fold over its events.
import type { temporal } from '@temporalio/proto';
import { isRecordedResult, successOf } from '../graph/attempt-results.ts';
import type { GraphEnd, JobEnd } from '../graph/states.ts';
import type { HistoryEnd, RunError } from '../graph/transitions.ts';
import { runSignals } from '../workflows/contract.ts';
import { endOfWorkflow, type HistoryEvent } from './end-of-workflow.ts';
import { type PendingFailure, readFailure } from './pending-activities.ts';
import { errorOf, fromPayloads, isStopped, readFailed } from './read-failed.ts';

type Payloads = temporal.api.common.v1.IPayloads | null | undefined;
type Started = temporal.api.history.v1.IActivityTaskStartedEventAttributes;
type Failed = temporal.api.history.v1.IActivityTaskFailedEventAttributes;

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
  /** The execution whose attempt recorded this end as final; null for an end that no attempt of ours recorded. */
  readonly recordedIn: string | null;
  /** Whether the rows have said so: an attempt's mark does, or the answer of a settle. */
  readonly isSettled: boolean;
}

/** The last attempt of a job's activity that ended: the server writes attempts to the history only then. */
export interface HistoryAttempt {
  /**
   * How many began by then: the server's own count, and those of earlier activities of the job, whose workers were stopped
   * or never had them.
   */
  readonly number: number;
  /** Of the attempt before it. */
  readonly lastFailure: PendingFailure | null;
  readonly eventId: number;
}

export interface RunHistory {
  /** By activity id, which is the job's key. */
  readonly jobs: ReadonlyMap<string, HistoryJob>;
  readonly attempts: ReadonlyMap<string, HistoryAttempt>;
  /** Jobs whose activity was scheduled, with the event that did it first. */
  readonly scheduled: ReadonlyMap<string, number>;
  /** How the workflow itself ended the run; null while it is open, or when it was ended from outside. */
  readonly end: GraphEnd | null;
  readonly cancelRequested: boolean;
  /** Jobs, by key, that the run was told to cancel by themselves. */
  readonly cancelledJobs: ReadonlySet<string>;
  /** A workflow has one timer: the `timeout` of its run. */
  readonly timerFired: boolean;
  /** The execution that this one goes on from. */
  readonly continuedFrom: string | null;
  /** Up to this event it is the history of those that it goes on from; 0 without them. */
  readonly continuedAtEventId: number;
  /** Who terminated it gives a reason; null where nobody did. */
  readonly terminateReason: string | null;
  /** The last event that was copied by a reset; 0 without one. */
  readonly resetAtEventId: number;
  readonly events: number;
}

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
  continuedFrom: string | null;
  continuedAtEventId: number;
  terminateReason: string | null;
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
    continuedFrom: null,
    continuedAtEventId: 0,
    terminateReason: null,
    resetAtEventId: 0,
    events: 0,
  };
  for (const execution of [...earlier, events]) readExecution(reading, execution);
  return reading;
}

/** Of none that is continued is anything open. */
function readExecution(reading: Reading, events: Iterable<HistoryEvent>): void {
  reading.activities.clear();
  reading.continuedAtEventId = reading.events;
  reading.resetAtEventId = 0;
  for (const event of events) readEvent(reading, event);
}

/** Ends of jobs that the history tells of before an event, by job key. */
export function toldBefore(history: RunHistory, eventId: number): Map<string, HistoryEnd> {
  const told = [...history.jobs].filter(([, job]) => job.eventId < eventId);
  return new Map(told.map(([key, job]) => [key, toldEnd(job)]));
}

function toldEnd(job: HistoryJob): HistoryEnd {
  const { end, error, recordedIn, hash, bytes } = job;
  const told = { end, error, recordedIn, hash };
  if (hash === null || job.output === undefined) return told;
  return { ...told, output: { text: JSON.stringify(job.output), hash, bytes } };
}

const settlePrefix = 'graphrun:settle';

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
  if (terminated) reading.terminateReason = terminated.reason ?? '';
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
  if (!isStopped(failed.failure)) endJob(reading, scheduledEventId, readFailed(failed), eventId);
  else goOn(reading, id);
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
  if (activity.id.startsWith(settlePrefix)) {
    readSettled(reading, fromPayloads(activity.input), value, eventId);
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
