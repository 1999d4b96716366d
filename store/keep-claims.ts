// Claims of jobs whose run was reset. The new execution goes by the answers that its history holds: it waits with the numbers
// that it was given there, and asks for whatever it was not answered yet.
import type pg from 'pg';
import type { AskedSlots } from '../graph/asked-slots.ts';
import { type Claim, claimsOf, lockAsking } from './asking-jobs.ts';
import type { NewEvent } from './events.ts';
import type { GraphCache } from './graph-cache.ts';
import { grantSlots, lockPools } from './pool-grants.ts';

export interface KeepClaims {
  /** Of the jobs that begin anew; they are locked, and are of the new epoch. */
  readonly jobRunIds: readonly string[];
  /** By job run. */
  readonly asked: ReadonlyMap<string, AskedSlots>;
  readonly actor: string;
}

/**
 * Frees what was not asked for yet in the history that the new execution begins with, keeps the rest, and makes anew the
 * request of a job that waits there and has ended since. The events are for the caller to add as its transaction's last
 * statement.
 */
export async function keepClaims(
  client: pg.ClientBase,
  cache: GraphCache,
  { jobRunIds, asked, actor }: KeepClaims,
): Promise<NewEvent[]> {
  const found = await client.query<{ id: string; pool: string }>(
    'SELECT job_run_id AS id, pool FROM pool_claim WHERE job_run_id = ANY ($1::uuid[])',
    [jobRunIds],
  );
  const holders = new Set(found.rows.map(({ id }) => id));
  const missing = [...asked].flatMap(([id, { number }]) => (number !== null && !holders.has(id) ? [id] : []));
  const claims = await claimsOf(client, cache, [...(await lockAsking(client, missing)).values()]);
  const pools = [...found.rows, ...claims].map(({ pool }) => pool);
  if (pools.length === 0) return [];
  const locked = await lockPools(client, pools);
  await client.query(
    `DELETE FROM pool_claim WHERE job_run_id = ANY ($1::uuid[]) AND NOT job_run_id = ANY ($2::uuid[])`,
    [jobRunIds, [...asked.keys()]],
  );
  // A grant is told again: the word of it may not have come along.
  await client.query(
    `UPDATE pool_claim c SET number = coalesce(n.number, c.number), told_at = NULL, epoch = r.epoch
     FROM unnest($1::uuid[], $2::bigint[]) AS n (id, number) JOIN job_run r ON r.id = n.id WHERE c.job_run_id = n.id`,
    [[...asked.keys()], [...asked.values()].map(({ number }) => number)],
  );
  await insertKept(client, claims, { asked, locked });
  return grantSlots(client, locked, actor);
}

/** A pool that is not there any more limits nobody; where none of them is, the job waits for the word of it alone. */
async function insertKept(
  client: pg.ClientBase,
  claims: readonly Claim[],
  { asked, locked }: Pick<KeepClaims, 'asked'> & { readonly locked: readonly string[] },
): Promise<void> {
  const waiting = new Set(claims.filter(({ pool }) => locked.includes(pool)).map(({ row }) => row.id));
  const kept = claims.filter(({ row, pool }) => locked.includes(pool) || !waiting.has(row.id));
  await client.query(
    `INSERT INTO pool_claim (job_run_id, pool, slots, is_one_of_many, priority, epoch, number, granted_at)
     SELECT n.job_run_id, n.pool, n.slots, n.is_one_of_many, n.priority, n.epoch, n.number, CASE WHEN n.is_gone THEN now() END
     FROM unnest($1::uuid[], $2::text[], $3::int[], $4::bool[], $5::int[], $6::int[], $7::bigint[], $8::bool[])
       AS n (job_run_id, pool, slots, is_one_of_many, priority, epoch, number, is_gone)`,
    [
      kept.map(({ row }) => row.id),
      kept.map(({ pool }) => pool),
      kept.map(({ slots }) => slots),
      kept.map(({ isOneOfMany }) => isOneOfMany),
      kept.map(({ priority }) => priority),
      kept.map(({ row }) => row.epoch),
      kept.map(({ row }) => asked.get(row.id)?.number ?? null),
      kept.map(({ pool }) => !locked.includes(pool)),
    ],
  );
}
