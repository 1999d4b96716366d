// Jobs that are ready and need slots of pools ask for them before they are given to a worker.
import type pg from 'pg';
import { type AskingRow, type Claim, claimsOf, lockAsking } from './asking-jobs.ts';
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
  // Who goes on from this execution waits until it is known what has asked.
  const task = await client.query<{ epoch: number }>(
    'SELECT epoch FROM task WHERE run_id = $1 AND closed_at IS NULL FOR SHARE',
    [runId],
  );
  const epoch = task.rows[0]?.epoch;
  if (epoch === undefined) return { outcome: 'lost' };
  const rows = await lockAsking(client, jobRunIds);
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

/** Their numbers are taken under the locks of the pools. Resolves with the job runs that had not asked in this epoch before. */
async function insertClaims(client: pg.ClientBase, claims: readonly Claim[]): Promise<ReadonlySet<string>> {
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
      [...new Set(claims.map(({ row }) => row.id))],
      claims.map(({ row }) => row.id),
      claims.map(({ pool }) => pool),
      claims.map(({ slots }) => slots),
      claims.map(({ isOneOfMany }) => isOneOfMany),
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

export interface HeldSlots {
  readonly jobRunId: string;
  readonly pools: readonly string[];
}

/** One that has ended needs none: its attempt hands back what is recorded. */
export async function holdsSlots(
  client: Pick<pg.Pool, 'query'>,
  { jobRunId, pools }: HeldSlots,
): Promise<boolean> {
  const lacking = await client.query(
    `SELECT FROM pool p WHERE p.name = ANY ($2::text[])
       AND NOT EXISTS (SELECT FROM pool_claim c WHERE c.job_run_id = $1 AND c.pool = p.name AND c.granted_at IS NOT NULL)
       AND EXISTS (SELECT FROM job_run r WHERE r.id = $1 AND r.completed_at IS NULL)`,
    [jobRunId, pools],
  );
  return lacking.rows.length === 0;
}

function waitingEvent({ id, job, project, graphRunId, epoch, attempts }: AskingRow, actor: string): NewEvent {
  const run = { type: 'job_run', project, graphRunId, jobRunId: id, job, epoch, attempt: attempts } as const;
  return { ...run, state: 'PENDING', reason: 'slot', actor };
}
