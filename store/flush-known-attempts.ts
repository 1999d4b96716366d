import type pg from 'pg';
import type { JobRunRow, OpenTask } from '../graph/transitions.ts';
import { attemptArrays, attemptColumns, attemptTypes, onAttemptConflict } from './attempt-rows.ts';
import type { PendingWrite } from './attempt-writes.ts';
import { eventArrays, eventColumns, eventTypes } from './events.ts';
import type { Flushed } from './flush-attempts.ts';
import { answerAll, type Folded, foldWrites } from './fold-writes.ts';
import { jobRunArrays, jobRunColumns, jobRunTypes, setJobRun } from './job-run-rows.ts';

/** How a row is expected to be: as this process left it, or as it was made. Undefined where that is not known. */
export type ExpectRow = (write: PendingWrite) => JobRunRow | undefined;

/**
 * Stores writes to rows that are as expected, in one statement and no more: no lock is taken before, and a row that
 * somebody changed meanwhile is left alone. Resolves with what was stored, and with the writes that are left to
 * `flushAttempts`.
 */
export async function flushKnownAttempts(
  pool: pg.Pool,
  writes: readonly PendingWrite[],
  expectRow: ExpectRow,
): Promise<{ readonly flushed: Flushed | null; readonly rest: readonly PendingWrite[] }> {
  const { expected, taken } = chooseKnown(writes, expectRow);
  if (taken.length === 0) return { flushed: null, rest: writes };
  const folded = foldWrites(taken, expected, tasksOf(taken, expected));
  const stored = await store(pool, folded, expected, taken);
  const isStored = (write: PendingWrite) => stored.has(write.write.subject.jobRunId);
  const kept: Folded = { ...folded, decided: folded.decided.filter(({ pending }) => isStored(pending)) };
  // A process that knows the row has not been ended by it.
  const deliver = () => answerAll(kept.decided, { tokenOf: (jobRunId) => stored.get(jobRunId) ?? null });
  const rows = folded.rows.filter((row) => stored.has(row.id));
  const isTaken = new Set(taken);
  return {
    flushed: { folded: { ...kept, rows }, deliver },
    rest: writes.filter((write) => !isTaken.has(write) || !isStored(write)),
  };
}

/** Job runs whose row is known and to which all their writes apply, one after the other. */
function chooseKnown(writes: readonly PendingWrite[], expectRow: ExpectRow) {
  const expected = new Map<string, JobRunRow>();
  const unknown = new Set<string>();
  for (const write of writes) {
    const { jobRunId } = write.write.subject;
    if (expected.has(jobRunId) || unknown.has(jobRunId)) continue;
    const row = expectRow(write);
    if (row) expected.set(jobRunId, row);
    else unknown.add(jobRunId);
  }
  const { decided } = foldWrites(writes, expected, tasksOf(writes, expected));
  for (const { pending, verdict } of decided) {
    const { jobRunId } = pending.write.subject;
    const begins = pending.type === 'start' && expected.get(jobRunId)?.state === 'RUNNING';
    const frees = pending.type === 'end' && pending.write.mayHoldSlots === true;
    // An attempt that begins over one that has not ended finds that one lost; slots are freed under their pools' locks.
    if (!verdict?.applies || begins || frees) unknown.add(jobRunId);
  }
  return { expected, taken: writes.filter(({ write }) => !unknown.has(write.subject.jobRunId)) };
}

/** The Tasks that the writes speak for, taken to be open: the statement looks. */
function tasksOf(
  writes: readonly PendingWrite[],
  expected: ReadonlyMap<string, JobRunRow>,
): Map<string, OpenTask> {
  return new Map(
    writes.flatMap(({ write: { fence, subject } }) => {
      const row = expected.get(subject.jobRunId);
      return row ? [[fence.runId, { runId: fence.runId, epoch: row.epoch }] as const] : [];
    }),
  );
}

const wasColumns = 'epoch, was_state, was_attempts, was_fence_run_id, was_fence_scheduled_at, needs_token';
const wasTypes = ['int[]', 'run_state[]', 'int[]', 'text[]', 'timestamptz[]', 'bool[]'] as const;

/**
 * The counter is changed last: it waits for the count of what was stored, and its lock is held to the commit. A row that
 * another writer holds is looked at again once that one is done; whoever closes a Task changes its open rows, so that the
 * Task as it was at the statement's beginning is enough.
 */
function makeSql(): string {
  let last = 0;
  const place = (types: readonly string[]) => types.map((type) => `$${++last}::${type}`).join(', ');
  return `
  WITH n AS (
    SELECT * FROM unnest(${place([...jobRunTypes, ...wasTypes])}) AS n (${jobRunColumns}, ${wasColumns})
  ), stored AS (
    UPDATE job_run r SET ${setJobRun}, updated_by = $${++last} FROM n
    WHERE r.id = n.id AND r.epoch = n.epoch AND r.state = n.was_state AND r.attempts = n.was_attempts
      AND r.fence_run_id IS NOT DISTINCT FROM n.was_fence_run_id
      AND r.fence_scheduled_at IS NOT DISTINCT FROM n.was_fence_scheduled_at
      AND EXISTS (SELECT FROM task t WHERE t.run_id = n.fence_run_id AND t.epoch = n.epoch AND t.closed_at IS NULL)
    RETURNING r.id, n.needs_token
  ), attempted AS (
    INSERT INTO attempt (${attemptColumns})
    SELECT a.* FROM unnest(${place(attemptTypes)}) AS a (${attemptColumns})
    WHERE a.job_run_id IN (SELECT id FROM stored)
    ${onAttemptConflict}
  ), told AS (
    SELECT e.*, row_number() OVER (ORDER BY e.place) AS step
    FROM unnest(${place(eventTypes)}) WITH ORDINALITY AS e (${eventColumns}, place)
    WHERE e.job_run_id IN (SELECT id FROM stored)
  ), counter AS (
    UPDATE event_counter SET last = last + (SELECT count(*) FROM told) WHERE id = 1 RETURNING last
  ), numbered AS (
    INSERT INTO event (number, ${eventColumns})
    SELECT counter.last - (SELECT count(*) FROM told) + told.step, ${eventColumns} FROM counter, told
  )
  SELECT id, CASE WHEN needs_token THEN nextval('fence_token')::text END AS token FROM stored`;
}

const sql = makeSql();

/** By job run, those that were stored, each with the token that it asked for. */
async function store(
  pool: pg.Pool,
  folded: Folded,
  expected: ReadonlyMap<string, JobRunRow>,
  writes: readonly PendingWrite[],
): Promise<Map<string, string | null>> {
  const { rows } = folded;
  const needsToken = new Set(
    writes.flatMap((pending) =>
      pending.type === 'start' && pending.write.needsToken ? [pending.write.subject.jobRunId] : [],
    ),
  );
  const was = rows.map((row) => expected.get(row.id) as JobRunRow);
  const found = await pool.query<{ id: string; token: string | null }>({
    // Planned once a connection: it is by far the most frequent statement.
    name: 'flush-known-attempts',
    text: sql,
    values: [
      ...jobRunArrays(rows),
      rows.map((row) => row.epoch),
      was.map((row) => row.state),
      was.map((row) => row.attempts),
      was.map((row) => row.fence?.runId ?? null),
      was.map((row) => row.fence && new Date(row.fence.scheduledAtMs)),
      rows.map((row) => needsToken.has(row.id)),
      writes[0]?.write.worker ?? 'worker',
      ...attemptArrays(folded.attempts),
      ...eventArrays(folded.events),
    ],
  });
  return new Map(found.rows.map((row) => [row.id, row.token]));
}
