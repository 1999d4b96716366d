import type pg from 'pg';
import type { GrantedSlots } from '../graph/asked-slots.ts';
import { isFinal } from '../graph/states.ts';
import type { JobRunRow } from '../graph/transitions.ts';
import { workerFaults } from '../graph/worker-ends.ts';
import { upsertAttempts } from './attempt-rows.ts';
import type { PendingWrite } from './attempt-writes.ts';
import { insertEvents } from './events.ts';
import { answerAll, type Folded, foldWrites } from './fold-writes.ts';
import { takeGrantedOf } from './granted.ts';
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
  await updateJobRuns(client, folded.rows, actorOf(writes));
  await endLostAttempts(client, locked, folded.rows);
  await upsertAttempts(client, folded.attempts);
  const workersEnded = await countWorkersEnded(client, writes, folded.rows);
  const tokens = await takeTokens(client, writes);
  const ended = endedHolders(writes, folded.rows);
  const events = ended.size > 0 ? await freeSlots(client, [...ended.keys()], actorOf(writes)) : [];
  const granted = takeGranted(client, ended);
  await insertEvents(client, [...folded.events, ...events]);
  const facts = { tokenOf: () => tokens.pop() ?? null, workersEnded, granted };
  return { folded, deliver: () => answerAll(folded.decided, facts) };
}

/** The worker of a batch is one process: one name for all of its rows. */
function actorOf(writes: readonly PendingWrite[]): string {
  return writes[0]?.write.worker ?? 'worker';
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

/** Job runs that have ended, and may hold slots, with the graph run that is told with its end. Jobs without pools are not looked at. */
function endedHolders(
  writes: readonly PendingWrite[],
  written: readonly JobRunRow[],
): Map<string, string | null> {
  const ended = new Set(written.filter(({ state }) => isFinal(state)).map(({ id }) => id));
  return new Map(
    writes.flatMap((pending) => {
      const { jobRunId, graphRunId } = pending.write.subject;
      if (pending.type !== 'end' || !pending.write.mayHoldSlots || !ended.has(jobRunId)) return [];
      const { end } = pending.write;
      // A cancel that Temporal is told of carries nothing.
      const isCancelled = end.kind === 'failure' && end.end.reason === 'cancelled';
      return [[jobRunId, isCancelled ? null : graphRunId] as const];
    }),
  );
}

/** Of a run that goes on, its own workflow is told with the end of the job: that costs it no signal. */
const grantedPerEnd = 50;

function takeGranted(
  client: pg.ClientBase,
  ended: ReadonlyMap<string, string | null>,
): Map<string, readonly GrantedSlots[]> {
  const teller = new Map([...ended].flatMap(([jobRunId, run]) => (run === null ? [] : [[run, jobRunId]])));
  const granted = takeGrantedOf(client, new Set(teller.keys()), grantedPerEnd);
  return new Map(
    [...granted].map(([run, jobs]) => [
      teller.get(run) as string,
      jobs.map(({ job, number }) => ({ job, number })),
    ]),
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
