// Activities that Temporal has under way for an execution, as Describe tells them. Pure.
import type { google, temporal } from '@temporalio/proto';

type Info = temporal.api.workflow.v1.IPendingActivityInfo;
type Timestamp = google.protobuf.ITimestamp | null | undefined;

export interface PendingActivity {
  /** Of a job its key. */
  readonly activityId: string;
  readonly state: PendingState;
  /** The server's own count, which begins anew after `temporal activity reset`: of the attempt that runs or comes next. */
  readonly attempt: number;
  readonly maximumAttempts: number;
  /** Null where it is the workflow's. */
  readonly taskQueue: string | null;
  /** When the attempt that waits or runs was given to the task queue. */
  readonly scheduledAt: Date | null;
  /** When the attempt that runs began. */
  readonly startedAt: Date | null;
  readonly lastHeartbeatAt: Date | null;
  /** Of an attempt that is not due yet. */
  readonly nextAttemptAt: Date | null;
  readonly lastFailure: PendingFailure | null;
  /** The last that took it. */
  readonly worker: string | null;
  readonly pause: { readonly by: string; readonly reason: string; readonly at: Date | null } | null;
}

/** `pausing`: it runs, and is to pause; `stopping`: it runs, and was told to stop. */
export type PendingState = 'waiting' | 'running' | 'stopping' | 'paused' | 'pausing';

export interface PendingFailure {
  readonly type: string;
  readonly message: string;
  /** Thrown by the worker, and no time-out of the server's. */
  readonly isThrown: boolean;
}

/** By the numbers of `PendingActivityState`. */
const states: Readonly<Record<number, PendingState>> = {
  1: 'waiting',
  2: 'running',
  3: 'stopping',
  4: 'paused',
  5: 'pausing',
};

export function readPendingActivities(
  infos: readonly Info[] | null | undefined,
): Map<string, PendingActivity> {
  return new Map((infos ?? []).map(readPending).map((pending) => [pending.activityId, pending]));
}

/** Who paused it, and why. */
export function describePause(pause: PendingActivity['pause']): string {
  const why = pause?.reason ? ` (${pause.reason})` : '';
  return `paused in Temporal by ${pause?.by || 'somebody'}${why}`;
}

export function unpauseCommand(workflowId: string, activityId: string): string {
  return `temporal activity unpause --workflow-id ${workflowId} --activity-id ${activityId}`;
}

/** How many attempts began, in the server's own count. */
export function attemptsBegun({ state, attempt }: PendingActivity): number {
  return state === 'waiting' || state === 'paused' ? attempt - 1 : attempt;
}

export function readFailure(
  failure: temporal.api.failure.v1.IFailure | null | undefined,
): PendingFailure | null {
  if (!failure) return null;
  const thrown = failure.applicationFailureInfo;
  const type = thrown?.type || (failure.timeoutFailureInfo ? 'Timeout' : 'Error');
  return { type, message: failure.message ?? '', isThrown: Boolean(thrown) };
}

export function readTime(time: Timestamp): Date | null {
  const ms = Number(time?.seconds ?? 0) * 1_000 + Math.floor((time?.nanos ?? 0) / 1e6);
  return ms > 0 ? new Date(ms) : null;
}

function readPending(info: Info): PendingActivity {
  return {
    activityId: info.activityId ?? '',
    state: states[info.state ?? 0] ?? 'waiting',
    attempt: info.attempt ?? 1,
    maximumAttempts: info.maximumAttempts ?? 0,
    taskQueue: info.activityOptions?.taskQueue?.name || null,
    scheduledAt: readTime(info.scheduledTime),
    startedAt: readTime(info.lastStartedTime),
    lastHeartbeatAt: readTime(info.lastHeartbeatTime),
    nextAttemptAt: readTime(info.nextAttemptScheduleTime),
    lastFailure: readFailure(info.lastFailure),
    worker: info.lastWorkerIdentity || null,
    pause: readPause(info),
  };
}

function readPause({ paused, pauseInfo }: Info): PendingActivity['pause'] {
  if (!paused) return null;
  const by = pauseInfo?.manual?.identity ?? pauseInfo?.rule?.identity ?? '';
  const reason = pauseInfo?.manual?.reason ?? pauseInfo?.rule?.reason ?? '';
  return { by, reason, at: readTime(pauseInfo?.pauseTime) };
}
