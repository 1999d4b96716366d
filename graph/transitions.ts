// What a write may change on a JobRun: pure decisions over a locked row. A write applies only if its fence is the newest
// and the row is not final (docs/states.md). The store loads, asks here, and writes.
import type { ErrorCode } from './errors.ts';
import { isFinal, type JobEnd, type JobRunReason, type JobSuccess, type RunState } from './states.ts';
import { tellsWorkerEnd } from './worker-ends.ts';

/** An attempt's place in order, from the server's own words: the workflow's run id and when the attempt was scheduled. */
export interface Fence {
  readonly runId: string;
  readonly scheduledAtMs: number;
}

/** How an error is kept: never its stack's paths alone, never a secret. */
export interface RunError {
  readonly type: string;
  readonly message: string;
  readonly code?: ErrorCode;
  readonly stack?: string;
  readonly cause?: string;
  readonly data?: Readonly<Record<string, string | number | boolean | null>>;
  /** When the next attempt begins, where the error said so: an ISO time. */
  readonly retryAt?: string;
}

export interface RecordedOutput {
  /** JSON. */
  readonly text: string;
  readonly bytes: number;
  readonly hash: string;
}

export interface JobRunRow {
  readonly id: string;
  readonly state: RunState;
  readonly reason: JobRunReason | null;
  readonly epoch: number;
  readonly fence: Fence | null;
  readonly attempts: number;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
  readonly error: RunError | null;
  readonly output: RecordedOutput | null;
}

/** The execution that a write speaks for; null when its run id is unknown or it is closed. */
export interface OpenTask {
  readonly runId: string;
  readonly epoch: number;
}

export type AttemptEnd =
  | { readonly kind: 'success'; readonly output: RecordedOutput | null; readonly reason?: JobSuccess }
  | { readonly kind: 'failure'; readonly end: JobEnd & { state: 'FAILED' }; readonly error: RunError }
  /** The attempt ended, the job did not: Temporal will try again. */
  | { readonly kind: 'retry'; readonly reason: 'error' | 'timed_out' | 'lost'; readonly error: RunError };

export type Verdict =
  | { readonly applies: true; readonly row: JobRunRow }
  /** The same write was there already: its first answer was lost. */
  | { readonly applies: false; readonly why: 'already'; readonly row: JobRunRow }
  | { readonly applies: false; readonly why: 'final' | 'stale'; readonly row: JobRunRow };

/** An attempt begins. A row that is final stays so: a recorded SUCCESS is handed back instead of running again. */
export function startAttempt(row: JobRunRow, task: OpenTask | null, fence: Fence, at: Date): Verdict {
  if (isStale(row, task, fence)) return { applies: false, why: 'stale', row };
  if (isFinal(row.state)) return { applies: false, why: 'final', row };
  if (isSameFence(row.fence, fence)) return { applies: false, why: 'already', row };
  return {
    applies: true,
    row: {
      ...row,
      state: 'RUNNING',
      reason: null,
      fence,
      attempts: row.attempts + 1,
      startedAt: row.startedAt ?? at,
      error: null,
    },
  };
}

/** An attempt ends. */
export function endAttempt(
  row: JobRunRow,
  task: OpenTask | null,
  fence: Fence,
  end: AttemptEnd,
  at: Date,
): Verdict {
  const same = isSameFence(row.fence, fence);
  if (same && isRecorded(row, end)) return { applies: false, why: 'already', row };
  if (isStale(row, task, fence)) return { applies: false, why: 'stale', row };
  if (isFinal(row.state)) return { applies: false, why: 'final', row };
  const next = {
    ...row,
    fence,
    attempts: same ? row.attempts : row.attempts + 1,
    startedAt: row.startedAt ?? at,
  };
  if (end.kind === 'retry')
    return { applies: true, row: { ...next, state: 'PENDING', reason: 'retry', error: end.error } };
  if (end.kind === 'failure') {
    return { applies: true, row: { ...next, ...end.end, error: end.error, completedAt: at } };
  }
  return {
    applies: true,
    row: {
      ...next,
      state: 'SUCCESS',
      reason: end.reason ?? null,
      error: null,
      output: end.output,
      completedAt: at,
    },
  };
}

/** An end that no attempt wrote. `output` is given where a history tells of one. */
export interface ToldEnd {
  readonly end: JobEnd;
  readonly error: RunError | null;
  readonly output?: RecordedOutput | null;
}

/** An end that a history tells of. */
export interface HistoryEnd extends ToldEnd {
  /** The execution whose attempt recorded this end; null for one that no attempt of ours recorded. */
  readonly recordedIn: string | null;
  /** Of the output that was recorded, also where it did not travel through Temporal. */
  readonly hash: string | null;
}

/** The workflow ends a job for what no attempt could tell. A job that is final already keeps what is recorded. */
export function settleJobRun(row: JobRunRow, task: OpenTask | null, told: ToldEnd, at: Date): Verdict {
  if (isFinal(row.state)) return { applies: false, why: 'final', row };
  if (task === null || task.epoch !== row.epoch) return { applies: false, why: 'stale', row };
  const error = tellsMore(row.error, told) ? row.error : told.error;
  const output = told.end.state === 'SUCCESS' ? (told.output ?? null) : null;
  return { applies: true, row: { ...row, ...told.end, error, output, completedAt: at } };
}

/** An attempt that was to be tried again has told the same error in full, or how its worker ended. */
function tellsMore(recorded: RunError | null, { end, error }: ToldEnd): boolean {
  if (end.reason === 'lost' && tellsWorkerEnd(recorded)) return true;
  return error !== null && recorded?.message === error.message;
}

function isStale(row: JobRunRow, task: OpenTask | null, fence: Fence): boolean {
  if (task === null || task.runId !== fence.runId || task.epoch !== row.epoch) return true;
  return row.fence?.runId === fence.runId && fence.scheduledAtMs < row.fence.scheduledAtMs;
}

function isSameFence(a: Fence | null, b: Fence): boolean {
  return a !== null && a.runId === b.runId && a.scheduledAtMs === b.scheduledAtMs;
}

function isRecorded(row: JobRunRow, end: AttemptEnd): boolean {
  if (end.kind === 'retry') return row.state === 'PENDING' && row.reason === 'retry';
  if (end.kind === 'failure') return row.state === 'FAILED' && row.reason === end.end.reason;
  const isSame = row.state === 'SUCCESS' && row.reason === (end.reason ?? null);
  return isSame && row.output?.hash === end.output?.hash;
}
