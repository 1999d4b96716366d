// Jobs that are ready and need slots of pools ask for them before they are given to a worker.
import type pg from 'pg';
import type { JobRules } from '../graph/rules.ts';
import type { Database } from './database.ts';
import { insertEvents, type NewEvent } from './events.ts';
import type { GraphCache } from './graph-cache.ts';
import { grantSlots, lockPools } from './pool-grants.ts';

export interface AskForSlots {
  /** Of the execution that asks. */
  readonly runId: string;
  /** In the order in which they became ready. */
  readonly jobRunIds: readonly string[];
  readonly actor: string;
}

export type AskedForSlots =
  /** Those that have to wait, each with the number of its request. All others may begin. */
  | { readonly outcome: 'asked'; readonly waiting: ReadonlyMap<string, number> }
  /** Another execution carries out the run. */
  | { readonly outcome: 'lost' };

interface AskingRow {
  readonly id: string;
  readonly job: string;
  readonly projectId: string;
  readonly project: string;
  readonly graphRunId: string | null;
  readonly version: number;
  readonly epoch: number;
  readonly attempts: number;
}

interface Claim {
  readonly row: AskingRow;
  readonly pool: string;
  readonly slots: number;
  readonly priority: number;
}

/** Asked again, a job keeps its place, and what it has: an execution that goes on from another asks anew. */
export function askForSlots(
  database: Database,
  cache: GraphCache,
  request: AskForSlots,
): Promise<AskedForSlots> {
  return database.transaction((client) => ask(client, cache, request));
}

async function ask(
  client: pg.ClientBase,
  cache: GraphCache,
  { runId, jobRunIds, actor }: AskForSlots,
): Promise<AskedForSlots> {
  const rows = await lockAsking(client, jobRunIds);
  const task = await client.query<{ epoch: number }>(
    'SELECT epoch FROM task WHERE run_id = $1 AND closed_at IS NULL',
    [runId],
  );
  const epoch = task.rows[0]?.epoch;
  if (epoch === undefined) return { outcome: 'lost' };
  // One that has ended goes on at once: its attempt hands back what is recorded.
  const asking = jobRunIds.flatMap((id) => rows.get(id) ?? []).filter((row) => row.epoch === epoch);
  const claims = await claimsOf(client, cache, asking);
  const pools = claims.map(({ pool }) => pool);
  const locked = pools.length > 0 ? await lockPools(client, pools) : [];
  // One that is not there any more limits nobody.
  const known = claims.filter(({ pool }) => locked.includes(pool));
  if (known.length === 0) return { outcome: 'asked', waiting: new Map() };
  const isNew = await insertClaims(client, known);
  const others = await grantSlots(client, locked, actor, new Set(jobRunIds));
  const waiting = await readWaiting(client, jobRunIds);
  const events = [...rows.values()].flatMap((row) => {
    return isNew.has(row.id) && waiting.has(row.id) ? [waitingEvent(row, actor)] : [];
  });
  await insertEvents(client, [...events, ...others]);
  return { outcome: 'asked', waiting };
}

async function lockAsking(client: pg.ClientBase, ids: readonly string[]): Promise<Map<string, AskingRow>> {
  const found = await client.query<AskingRow>(
    `SELECT r.id, j.key AS job, r.project_id AS "projectId", p.name AS project, r.graph_run_id AS "graphRunId", r.version, r.epoch,
       r.attempts
     FROM job_run r JOIN job j ON j.id = r.job_id JOIN project p ON p.id = r.project_id
     WHERE r.id = ANY ($1::uuid[]) AND r.completed_at IS NULL ORDER BY r.id FOR UPDATE OF r`,
    [ids],
  );
  return new Map(found.rows.map((row) => [row.id, row]));
}

/** What their definitions ask for, in the versions that they are pinned to. */
async function claimsOf(
  client: pg.ClientBase,
  cache: GraphCache,
  rows: readonly AskingRow[],
): Promise<Claim[]> {
  const rules = new Map<number, ReadonlyMap<string, JobRules>>();
  for (const { projectId, version } of rows) {
    if (rules.has(version)) continue;
    const { jobs } = await cache.load(client, projectId, version);
    rules.set(version, new Map(jobs.map((job) => [job.key, job.rules])));
  }
  return rows.flatMap((row) => {
    const { pools = {}, priority = 0 } = rules.get(row.version)?.get(row.job) ?? {};
    return Object.entries(pools).map(([pool, slots]): Claim => ({ row, pool, slots, priority }));
  });
}

/** Their numbers are taken under the locks of the pools. Resolves with the job runs that had not asked in this epoch before. */
async function insertClaims(client: pg.ClientBase, claims: readonly Claim[]): Promise<ReadonlySet<string>> {
  const counts = new Map<string, number>();
  for (const { row } of claims) counts.set(row.id, (counts.get(row.id) ?? 0) + 1);
  const inserted = await client.query<{ id: string }>(
    `WITH asking AS MATERIALIZED (
       SELECT id, nextval('claim_number') AS number
       FROM (SELECT id FROM unnest($1::uuid[]) WITH ORDINALITY AS a (id, place) ORDER BY place) a
     )
     INSERT INTO pool_claim AS c (job_run_id, pool, slots, is_one_of_many, priority, epoch, number)
     SELECT n.job_run_id, n.pool, n.slots, n.is_one_of_many, n.priority, n.epoch, asking.number
     FROM unnest($2::uuid[], $3::text[], $4::int[], $5::bool[], $6::int[], $7::int[])
       AS n (job_run_id, pool, slots, is_one_of_many, priority, epoch) JOIN asking ON asking.id = n.job_run_id
     ON CONFLICT (job_run_id, pool) DO UPDATE SET slots = excluded.slots, priority = excluded.priority, epoch = excluded.epoch,
       number = excluded.number, granted_at = NULL, told_at = NULL
     WHERE c.epoch <> excluded.epoch
     RETURNING c.job_run_id AS id`,
    [
      [...counts.keys()],
      claims.map(({ row }) => row.id),
      claims.map(({ pool }) => pool),
      claims.map(({ slots }) => slots),
      claims.map(({ row }) => (counts.get(row.id) ?? 0) > 1),
      claims.map(({ priority }) => priority),
      claims.map(({ row }) => row.epoch),
    ],
  );
  return new Set(inserted.rows.map(({ id }) => id));
}

/** Those that wait. All others are told by the answer. */
async function readWaiting(
  client: pg.ClientBase,
  ids: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const found = await client.query<{ id: string; number: number }>(
    `WITH told AS (
       UPDATE pool_claim SET told_at = now() WHERE job_run_id = ANY ($1::uuid[]) AND granted_at IS NOT NULL AND told_at IS NULL
     )
     SELECT DISTINCT job_run_id AS id, number::float8 AS number FROM pool_claim
     WHERE job_run_id = ANY ($1::uuid[]) AND granted_at IS NULL`,
    [ids],
  );
  return new Map(found.rows.map(({ id, number }) => [id, number]));
}

function waitingEvent({ id, job, project, graphRunId, epoch, attempts }: AskingRow, actor: string): NewEvent {
  const run = { type: 'job_run', project, graphRunId, jobRunId: id, job, epoch, attempt: attempts } as const;
  return { ...run, state: 'PENDING', reason: 'slot', actor };
}
