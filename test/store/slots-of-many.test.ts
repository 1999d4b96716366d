// What is read when a slot is admitted, of a schedule that has made many runs.
import { expect, it } from 'vitest';
import { slotQueries } from '../../store/admit-slots.ts';
import { useDatabases } from '../support/databases.ts';
import { useSql } from '../support/sql.ts';

const { databaseUrl } = await useDatabases();
const sql = await useSql(databaseUrl);
const project = '00000000-0000-7000-8000-000000000001';
const schedule = '00000000-0000-7000-8000-000000000002';
const other = '00000000-0000-7000-8000-000000000003';
const first = new Date('2026-01-01T00:00:00Z');
const runs = 40_000;
const minuteMs = 60_000;
const timeOf = (run: number) => new Date(first.getTime() + run * minuteMs);

await sql.query(
  `INSERT INTO project (id, name, timezone, created_by, updated_by) VALUES ('${project}', 'p', 'UTC', 't', 't')`,
);
await sql.query(
  `INSERT INTO graph_version (project_id, version, definition, graph, hash, job_count, created_by)
   VALUES ('${project}', 1, '{}', '{}', 'h', 1, 't')`,
);
await sql.query(
  `INSERT INTO schedule (id, project_id, name, temporal_id, definition, origin, created_by, updated_by)
   SELECT id::uuid, '${project}', id, id, '{}', 'api', 't', 't' FROM unnest($1::text[]) id`,
  [[schedule, other]],
);
// Each run is over before the next begins.
await sql.query(
  `INSERT INTO graph_run (id, project_id, project_name, version, origin, workflow_id, created_by, updated_by, schedule_id,
     scheduled_at, is_slot, state, started_at, completed_at)
   SELECT gen_random_uuid(), '${project}', 'p', 1, 'schedule', 'w' || n, 't', 't',
     (CASE WHEN n % 2 = 0 THEN $1 ELSE $2 END)::uuid, at, true, 'SUCCESS', at, at + interval '50 seconds'
   FROM generate_series(0, $4 - 1) n, LATERAL (SELECT $3::timestamptz + n * interval '1 minute' AS at) AS slot`,
  [schedule, other, first, runs],
);
await sql.query('ANALYZE graph_run');

/** Pages of the table and its indexes. */
async function pagesRead(query: string, at: Date): Promise<number> {
  const values = [schedule, at, 'w', 'r'];
  const [plan] = await sql.query<{ 'QUERY PLAN': { Plan: Record<string, number> }[] }>(
    `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${query}`,
    values,
  );
  const read = plan?.['QUERY PLAN'][0]?.Plan ?? {};
  return (read['Shared Hit Blocks'] ?? 0) + (read['Shared Read Blocks'] ?? 0);
}

it.each([
  ['the newest', runs],
  ['an old one', 100],
])('few pages are read for %s of its times', async (_which, run) => {
  expect(await pagesRead(slotQueries.taken, timeOf(run))).toBeLessThan(150);
  expect(await pagesRead(slotQueries.busy, timeOf(run))).toBeLessThan(150);
});

it('finds the run that was open at a time', async () => {
  const at = (seconds: number) => new Date(timeOf(200).getTime() + seconds * 1_000);
  const isBusy = async (time: Date) =>
    (await sql.query(slotQueries.busy, [schedule, time, 'w', 'r'])).length === 1;
  expect([await isBusy(at(49)), await isBusy(at(50)), await isBusy(at(119))]).toEqual([true, false, false]);
  // A run is no other one than itself.
  const [own] = await sql.query<{ workflow_id: string }>(
    'SELECT workflow_id FROM graph_run WHERE scheduled_at = $1',
    [timeOf(200)],
  );
  expect(await sql.query(slotQueries.busy, [schedule, at(49), own?.workflow_id, null])).toHaveLength(0);
});
