// What a history says, once it is read (read-history.ts).
import type { AskedSlots } from '../graph/asked-slots.ts';
import type { GraphEnd, JobEnd } from '../graph/states.ts';
import type { HistoryEnd, RunError } from '../graph/transitions.ts';
import type { PendingFailure } from './pending-activities.ts';

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
  /** What jobs were answered that asked for slots of pools in this execution, by key. */
  readonly asked: ReadonlyMap<string, AskedAt>;
  /** Up to this event it is the history of those that it goes on from; 0 without them. */
  readonly continuedAtEventId: number;
  /** Who terminated it gives a reason; null where nobody did. */
  readonly terminateReason: string | null;
  /** As that says who he is. */
  readonly terminatedBy: string | null;
  /** The last event that was copied by a reset; 0 without one. */
  readonly resetAtEventId: number;
  readonly events: number;
}

export interface AskedAt extends AskedSlots {
  readonly eventId: number;
}

/** What jobs were answered before an event that asked for slots, by job key: an execution that goes on from there goes by it. */
export function askedBefore(history: RunHistory, eventId: number): Map<string, AskedSlots> {
  return new Map([...history.asked].filter(([, asked]) => asked.eventId < eventId));
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
