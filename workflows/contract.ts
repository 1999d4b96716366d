// The names that the API, the watch, the workers and people at the Temporal CLI share. Free of I/O and of zod.

import type { GrantedSlots } from '../graph/asked-slots.ts';
import { cleanUpMs } from '../graph/rules.ts';

/** Workflows and job activities; `graphrun-system` beside it serves the bookkeeping, so that long jobs never starve it. */
export const defaultTaskQueue = 'graphrun';

export function systemTaskQueue(taskQueue: string): string {
  return `${taskQueue}-system`;
}

export const workflowTypes = { graphRun: 'graphRun', jobRun: 'jobRun' } as const;

/** Set only where the namespace has it registered. */
export const projectSearchAttribute = 'GraphrunProject';

/** The argument of `graphRun`. From outside: project, params, select. A `graphRunId` must match the workflow's id. */
export interface GraphRunInput {
  readonly project: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly select?: readonly string[];
  readonly graphRunId?: string;
}

/** The argument of `jobRun`, which runs one job alone. */
export interface JobRunInput {
  readonly project: string;
  readonly job: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly jobRunId?: string;
}

export { graphRunWorkflowId, jobRunWorkflowId } from '../graph/workflow-ids.ts';

/** Signals that the workflow of a graph run takes. */
export const runSignals = {
  /** By hand, as `temporal workflow signal` sends them. Their input may say `{ by, note }`. */
  pause: 'pause',
  unpause: 'unpause',
  /** Of the API and the watch: the number of a request, and what it was. */
  setPause: 'graphrun:set-pause',
  /** Of a job by its key: `{ job }`. */
  cancelJob: 'graphrun:cancel-job',
} as const;

/** Types of the ApplicationFailures that end a workflow; people see them in Temporal's own tools. */
export const workflowFailures = {
  jobFailed: 'job_failed',
  /** The run took longer than its graph's `timeout`. */
  timedOut: 'timed_out',
  /** The input cannot be run. */
  invalid: 'invalid',
  /** Another execution carries out the run, or it has ended. */
  lost: 'lost',
} as const;

/** Activities for bookkeeping; a job's activity id is its key, which holds no colon. */
export const bookkeepingActivityIds = {
  settle: 'graphrun:settle',
  open: 'graphrun:open',
  pause: 'graphrun:pause',
  close: 'graphrun:close',
  slots: 'graphrun:slots',
} as const;

/** Tells a workflow of jobs that have the slots of pools that they asked for. Told twice, it is the same as once. */
export const grantedSignalName = 'graphrun:granted';

export interface GrantedSignal {
  readonly jobs: readonly GrantedSlots[];
}

/** A cancel that no worker has taken by then becomes a terminate: the time that jobs have to clean up, and some more. */
export const cancelGraceMs = cleanUpMs + 5_000;

const cancelMark = 'graphrun: cancelled by ';

/** The reason of such a terminate, by which its end is known for that of a cancel. */
export function cancelTermination(by: string): string {
  return `${cancelMark}${by}`;
}

export function isCancelTermination(reason: string | null): boolean {
  return reason?.startsWith(cancelMark) ?? false;
}

export const stickyTimeoutMs = 4_000;

/** Added to a job's own timeout for recording its outcome, while Postgres or the warehouse cannot be reached. */
export const recordingGraceMs = 10 * 60_000;

/** A bookkeeping activity that takes longer as a local one moves to the system queue. */
export const localActivityTimeoutMs = 5_000;
