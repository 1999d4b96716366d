// Applies writes of attempts in their order to rows, in memory. Pure: what came of them is stored by whoever asked.
import type { GrantedSlots } from '../graph/asked-slots.ts';
import type { JobFailure, JobRunReason, RunState } from '../graph/states.ts';
import {
  endAttempt,
  type JobRunRow,
  type OpenTask,
  type RunError,
  startAttempt,
  type Verdict,
} from '../graph/transitions.ts';
import type { EndAnswer, PendingWrite, StartAnswer } from './attempt-writes.ts';
import type { NewEvent } from './events.ts';

export interface AttemptRow {
  readonly jobRunId: string;
  readonly number: number;
  readonly epoch: number;
  readonly runId: string;
  readonly scheduledAt: Date;
  readonly state: RunState;
  readonly reason: JobRunReason | null;
  readonly error: RunError | null;
  readonly worker: string;
  readonly startedAt: Date;
  readonly completedAt: Date | null;
}

export interface Folded {
  readonly decided: readonly Decided[];
  /** Job runs that changed, as they are now, in order of id. */
  readonly rows: readonly JobRunRow[];
  readonly attempts: readonly AttemptRow[];
  readonly events: readonly NewEvent[];
}

export interface Decided {
  readonly pending: PendingWrite;
  /** Undefined where there is no such row. */
  readonly verdict: Verdict | undefined;
}

/** @param tasks the open Tasks, by run id */
export function foldWrites(
  writes: readonly PendingWrite[],
  before: ReadonlyMap<string, JobRunRow>,
  tasks: ReadonlyMap<string, OpenTask>,
): Folded {
  const rows = new Map<string, JobRunRow>(before);
  const changed = new Set<string>();
  const attempts = new Map<string, AttemptRow>();
  const events: NewEvent[] = [];
  const decided = writes.map((pending): Decided => {
    const { fence, subject } = pending.write;
    const row = rows.get(subject.jobRunId);
    if (!row) return { pending, verdict: undefined };
    const verdict = decide(pending, row, tasks.get(fence.runId) ?? null);
    if (verdict.applies) {
      rows.set(row.id, verdict.row);
      changed.add(row.id);
      const key = `${row.id}/${verdict.row.attempts}`;
      attempts.set(key, attemptOf(pending, verdict.row, attempts.get(key)));
      events.push(eventOf(pending, verdict.row));
    }
    return { pending, verdict };
  });
  const written = [...changed].sort().map((id) => rows.get(id) as JobRunRow);
  return { decided, rows: written, attempts: [...attempts.values()], events };
}

function decide(pending: PendingWrite, row: JobRunRow, task: OpenTask | null): Verdict {
  const { fence, at } = pending.write;
  return pending.type === 'start'
    ? startAttempt(row, task, fence, at)
    : endAttempt(row, task, fence, pending.write.end, at);
}

export interface AnswerFacts {
  readonly tokenOf: (jobRunId: string) => string | null;
  /** By job run, of those that have ended any. */
  readonly workersEnded?: ReadonlyMap<string, number>;
  /** By job run, what its end has given to others of its run. */
  readonly granted?: ReadonlyMap<string, readonly GrantedSlots[]>;
}

/** Answers writes; to be called after the commit. */
export function answerAll(
  decided: readonly Decided[],
  { tokenOf, workersEnded = new Map(), granted = new Map() }: AnswerFacts,
): void {
  for (const { pending, verdict } of decided) {
    if (pending.type === 'end')
      pending.answer(endAnswer(verdict, granted.get(pending.write.subject.jobRunId)));
    else {
      const { subject, needsToken } = pending.write;
      const token = needsToken ? tokenOf(subject.jobRunId) : null;
      pending.answer(startAnswer(verdict, token, workersEnded.get(subject.jobRunId) ?? 0));
    }
  }
}

function startAnswer(verdict: Verdict | undefined, token: string | null, workersEnded: number): StartAnswer {
  if (verdict && (verdict.applies || verdict.why === 'already')) {
    const { attempts: attempt, epoch } = verdict.row;
    return { verdict: 'started', attempt, epoch, token, workersEnded };
  }
  if (verdict?.row.state === 'SUCCESS' && verdict.why === 'final') {
    return { verdict: 'recorded', output: verdict.row.output, isSkipped: verdict.row.reason === 'skipped' };
  }
  return { verdict: 'superseded', message: whyNot(verdict) };
}

function endAnswer(verdict: Verdict | undefined, granted: readonly GrantedSlots[] | undefined): EndAnswer {
  if (verdict && (verdict.applies || verdict.why === 'already'))
    return { verdict: 'recorded', ...(granted && { granted }) };
  return { verdict: 'superseded', message: whyNot(verdict) };
}

function whyNot(verdict: Verdict | undefined): string {
  if (!verdict || verdict.applies) return 'the job run is not there any more';
  const { state, reason } = verdict.row;
  return verdict.why === 'final'
    ? `the job run has ended as ${state}${reason ? `/${reason}` : ''}`
    : 'another execution or a newer attempt carries out the job run';
}

function attemptOf(pending: PendingWrite, row: JobRunRow, before: AttemptRow | undefined): AttemptRow {
  const { write } = pending;
  const base = {
    jobRunId: row.id,
    number: row.attempts,
    epoch: row.epoch,
    runId: write.fence.runId,
    scheduledAt: new Date(write.fence.scheduledAtMs),
    worker: write.worker,
    startedAt: before?.startedAt ?? write.at,
  };
  if (pending.type === 'start')
    return { ...base, state: 'RUNNING', reason: null, error: null, completedAt: null };
  const { end } = pending.write;
  if (end.kind === 'success')
    return { ...base, state: 'SUCCESS', reason: end.reason ?? null, error: null, completedAt: write.at };
  const reason: JobFailure = end.kind === 'retry' ? end.reason : end.end.reason;
  return { ...base, state: 'FAILED', reason, error: end.error, completedAt: write.at };
}

function eventOf({ write }: PendingWrite, row: JobRunRow): NewEvent {
  const { subject, worker } = write;
  return {
    type: 'job_run',
    project: subject.project,
    graphRunId: subject.graphRunId,
    jobRunId: row.id,
    job: subject.job,
    state: row.state,
    reason: row.reason,
    epoch: row.epoch,
    attempt: row.attempts,
    actor: worker,
  };
}
