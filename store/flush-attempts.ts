import type pg from 'pg';
import { isFinal } from '../graph/states.ts';
import type { JobRunRow } from '../graph/transitions.ts';
import { workerFaults } from '../graph/worker-ends.ts';
import { upsertAttempts } from './attempt-rows.ts';
import type { PendingWrite } from './attempt-writes.ts';
import { insertEvents, type NewEvent } from './events.ts';
import { answerAll, type Folded, foldWrites } from './fold-writes.ts';
import { type LockedJobRun, lockJobRuns, openTasks, updateJobRuns } from './job-run-rows.ts';
import { freeSlots } from './pool-grants.ts';

/** Writes that were stored: `deliver` gives their answers, after the commit. */
export interface Flushed {
  readonly folded: Folded;
  deliver(): void;
}

/**
 * Locks the rows, applies the writes to them and stores what came of them: one statement a table, however many writes.
 * For what `flushKnownAttempts` does not take.
 */
export async function flushAttempts(
  client: pg.ClientBase,
  writes: readonly PendingWrite[],
): Promise<Flushed> {
  const locked = await lockJobRuns(
    client,
    writes.map(({ write }) => write.subject.jobRunId),
  );
  const tasks = await openTasks(
    client,
    writes.map(({ write }) => write.fence.runId),
  );
  const folded = foldWrites(writes, locked, tasks);
  // The worker of a batch is one process: one name for all of its rows.
  await updateJobRuns(client, folded.rows, writes[0]?.write.worker ?? 'worker');
  await endLostAttempts(client, locked, folded.rows);
  await upsertAttempts(client, folded.attempts);
  const workersEnded = await countWorkersEnded(client, writes, folded.rows);
  const tokens = await takeTokens(client, writes);
  const granted = await freeEnded(client, writes, folded.rows);
  await insertEvents(client, [...folded.events, ...granted]);
  return { folded, deliver: () => answerAll(folded.decided, () => tokens.pop() ?? null, workersEnded) };
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

/** Jobs without pools are not looked at. */
async function freeEnded(
  client: pg.ClientBase,
  writes: readonly PendingWrite[],
  written: readonly JobRunRow[],
): Promise<NewEvent[]> {
  const holding = new Set(
    writes.flatMap((pending) =>
      pending.type === 'end' && pending.write.mayHoldSlots ? [pending.write.subject.jobRunId] : [],
    ),
  );
  const ended = written.filter(({ id, state }) => holding.has(id) && isFinal(state)).map(({ id }) => id);
  return ended.length > 0 ? freeSlots(client, ended, writes[0]?.write.worker ?? 'worker') : [];
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

/** By job run, of those that start again. */
async function countWorkersEnded(
  client: pg.ClientBase,
  writes: readonly PendingWrite[],
  written: readonly JobRunRow[],
): Promise<Map<string, number>> {
  const starting = new Set(
    writes.flatMap(({ type, write }) => (type === 'start' ? write.subject.jobRunId : [])),
  );
  const again = written.filter((row) => row.attempts > 1 && starting.has(row.id));
  if (again.length === 0) return new Map();
  const found = await client.query<{ id: string; count: number }>(
    `SELECT a.job_run_id AS id, count(*)::int AS count
     FROM attempt a JOIN unnest($1::uuid[], $2::int[]) AS n (id, epoch) ON a.job_run_id = n.id AND a.epoch = n.epoch
     WHERE a.error ->> 'type' = ANY ($3::text[]) GROUP BY a.job_run_id`,
    [again.map((row) => row.id), again.map((row) => row.epoch), workerFaults],
  );
  return new Map(found.rows.map(({ id, count }) => [id, count]));
}
