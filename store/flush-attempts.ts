import type pg from 'pg';
import type { JobFailure, JobRunReason, RunState } from '../graph/states.ts';
import {
  endAttempt,
  type JobRunRow,
  type RunError,
  startAttempt,
  type Verdict,
} from '../graph/transitions.ts';
import { insertEvents, type NewEvent } from './events.ts';
import { type LockedJobRun, lockJobRuns, openTasks, updateJobRuns } from './job-run-rows.ts';
import type { EndAnswer, PendingWrite, StartAnswer } from './recorder.ts';
import { eventOf } from './settle-jobs.ts';

interface AttemptRow {
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

/**
 * Applies writes in their order to the locked rows, in memory, and stores what came of them: one statement a table,
 * however many writes. Answers are given by the returned function, after the commit.
 */
export async function flushWrites(
  client: pg.ClientBase,
  writes: readonly PendingWrite[],
): Promise<() => void> {
  const locked = await lockJobRuns(
    client,
    writes.map(({ write }) => write.jobRunId),
  );
  const tasks = await openTasks(
    client,
    writes.map(({ write }) => write.fence.runId),
  );
  const rows = new Map<string, JobRunRow>(locked);
  const attempts = new Map<string, AttemptRow>();
  const events: NewEvent[] = [];
  const decided = writes.map((pending) => {
    const { write } = pending;
    const row = rows.get(write.jobRunId);
    const from = locked.get(write.jobRunId);
    if (!row || !from) return { pending, verdict: undefined };
    const task = tasks.get(write.fence.runId) ?? null;
    const verdict =
      pending.type === 'start'
        ? startAttempt(row, task, write.fence, write.at)
        : endAttempt(row, task, write.fence, pending.write.end, write.at);
    if (verdict.applies) {
      rows.set(row.id, verdict.row);
      const attempt = attemptOf(pending, verdict.row, attempts.get(keyOf(verdict.row)));
      attempts.set(keyOf(verdict.row), attempt);
      events.push(eventOf(from, verdict.row, write.worker));
    }
    return { pending, verdict };
  });
  const changed = [...new Set([...attempts.values()].map((attempt) => attempt.jobRunId))];
  const written = changed.map((id) => rows.get(id) as JobRunRow);
  // The worker of a batch is one process: one name for all of its rows.
  await updateJobRuns(client, written, writes[0]?.write.worker ?? 'worker');
  await endLostAttempts(client, locked, written);
  await upsertAttempts(client, [...attempts.values()]);
  const tokens = await takeTokens(client, writes);
  await insertEvents(client, events);
  return () => {
    for (const { pending, verdict } of decided) answer(pending, verdict, tokens);
  };
}

function answer(pending: PendingWrite, verdict: Verdict | undefined, tokens: string[]): void {
  if (pending.type === 'start') {
    pending.answer(startAnswer(verdict, pending.write.needsToken ? (tokens.pop() ?? null) : null));
  } else {
    pending.answer(endAnswer(verdict));
  }
}

function startAnswer(verdict: Verdict | undefined, token: string | null): StartAnswer {
  if (verdict && (verdict.applies || verdict.why === 'already')) {
    const { attempts: attempt, epoch } = verdict.row;
    return { verdict: 'started', attempt, epoch, token };
  }
  if (verdict?.row.state === 'SUCCESS' && verdict.why === 'final') {
    return { verdict: 'recorded', output: verdict.row.output };
  }
  return { verdict: 'superseded', message: whyNot(verdict) };
}

function endAnswer(verdict: Verdict | undefined): EndAnswer {
  if (verdict && (verdict.applies || verdict.why === 'already')) return { verdict: 'recorded' };
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
    return { ...base, state: 'SUCCESS', reason: null, error: null, completedAt: write.at };
  const reason: JobFailure = end.kind === 'retry' ? end.reason : end.end.reason;
  return { ...base, state: 'FAILED', reason, error: end.error, completedAt: write.at };
}

/** A new attempt begins: what is open of those before it was lost (its worker died, or its time was out). */
async function endLostAttempts(
  client: pg.ClientBase,
  before: ReadonlyMap<string, LockedJobRun>,
  written: readonly JobRunRow[],
): Promise<void> {
  const again = written.filter((row) => (before.get(row.id)?.attempts ?? 0) > 0);
  if (again.length === 0) return;
  await client.query(
    `UPDATE attempt a SET state = 'FAILED', reason = 'lost', completed_at = now()
     FROM unnest($1::uuid[], $2::int[]) AS n (id, number)
     WHERE a.job_run_id = n.id AND a.number < n.number AND a.completed_at IS NULL`,
    [again.map((row) => row.id), again.map((row) => row.attempts)],
  );
}

async function upsertAttempts(client: pg.ClientBase, attempts: readonly AttemptRow[]): Promise<void> {
  if (attempts.length === 0) return;
  await client.query(
    `INSERT INTO attempt (job_run_id, number, epoch, run_id, scheduled_at, state, reason, error, worker, started_at, completed_at)
     SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[], $4::text[], $5::timestamptz[], $6::run_state[], $7::text[],
                          $8::jsonb[], $9::text[], $10::timestamptz[], $11::timestamptz[])
     ON CONFLICT (job_run_id, number) DO UPDATE
       SET state = excluded.state, reason = excluded.reason, error = excluded.error, completed_at = excluded.completed_at`,
    [
      attempts.map((attempt) => attempt.jobRunId),
      attempts.map((attempt) => attempt.number),
      attempts.map((attempt) => attempt.epoch),
      attempts.map((attempt) => attempt.runId),
      attempts.map((attempt) => attempt.scheduledAt),
      attempts.map((attempt) => attempt.state),
      attempts.map((attempt) => attempt.reason),
      attempts.map((attempt) => attempt.error && JSON.stringify(attempt.error)),
      attempts.map((attempt) => attempt.worker),
      attempts.map((attempt) => attempt.startedAt),
      attempts.map((attempt) => attempt.completedAt),
    ],
  );
}

async function takeTokens(client: pg.ClientBase, writes: readonly PendingWrite[]): Promise<string[]> {
  const count = writes.filter((pending) => pending.type === 'start' && pending.write.needsToken).length;
  if (count === 0) return [];
  const found = await client.query<{ token: string }>(
    "SELECT nextval('fence_token')::text AS token FROM generate_series(1, $1::int)",
    [count],
  );
  return found.rows.map((row) => row.token);
}

function keyOf(row: JobRunRow): string {
  return `${row.id}/${row.attempts}`;
}
