// What the watch looks after of pools: claims that nobody freed, slots that nobody gave, grants that nobody heard of.
import type { Database } from './database.ts';
import { insertEvents } from './events.ts';
import type { GrantedJob } from './granted.ts';
import { freeSlots, grantSlots, lockPools, workflowOfClaim } from './pool-grants.ts';

/** Of job runs that have ended, or begin anew, and whoever wrote that did not free them; gives what is free to the next. */
export async function freeLeftClaims(database: Database, actor: string): Promise<number> {
  const left = await database.pool.query<{ id: string }>(
    `SELECT DISTINCT c.job_run_id AS id FROM pool_claim c JOIN job_run r ON r.id = c.job_run_id
     WHERE r.completed_at IS NOT NULL OR r.epoch <> c.epoch`,
  );
  if (left.rows.length > 0) {
    await database.transaction(async (client) => {
      const ids = left.rows.map(({ id }) => id);
      await client.query('SELECT FROM job_run WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE', [ids]);
      const still = await client.query<{ id: string }>(
        `SELECT DISTINCT c.job_run_id AS id FROM pool_claim c JOIN job_run r ON r.id = c.job_run_id
         WHERE c.job_run_id = ANY ($1::uuid[]) AND (r.completed_at IS NOT NULL OR r.epoch <> c.epoch)`,
        [ids],
      );
      await insertEvents(
        client,
        await freeSlots(
          client,
          still.rows.map(({ id }) => id),
          actor,
        ),
      );
    });
  }
  const open = await database.pool.query<{ name: string }>(
    `SELECT p.name FROM pool p WHERE EXISTS (SELECT FROM pool_claim w WHERE w.pool = p.name AND w.granted_at IS NULL)
       AND p.slots > (SELECT coalesce(sum(c.slots), 0) FROM pool_claim c WHERE c.pool = p.name AND c.granted_at IS NOT NULL)`,
  );
  if (open.rows.length === 0) return left.rows.length;
  const given = await database.transaction(async (client) => {
    const events = await grantSlots(
      client,
      await lockPools(
        client,
        open.rows.map(({ name }) => name),
      ),
      actor,
    );
    await insertEvents(client, events);
    return events.length;
  });
  return left.rows.length + given;
}

export type ToldGrant = Pick<GrantedJob, 'jobRunId' | 'number'>;

/**
 * Grants that are older than this, and that no workflow has heard of as far as is known: one whose job has begun has been told
 * with the end of another.
 */
export async function readUntold({ pool }: Database, olderThan: Date, most: number): Promise<GrantedJob[]> {
  const found = await pool.query<GrantedJob>(
    `SELECT r.id AS "jobRunId", r.graph_run_id AS "graphRunId", j.key AS job, n.number::float8 AS number, n.granted AS "grantedAtMs",
       ${workflowOfClaim} AS "workflowId"
     FROM (
       SELECT c.job_run_id, c.number, max(extract(epoch FROM c.granted_at) * 1000)::float8 AS granted
       FROM pool_claim c JOIN job_run b ON b.id = c.job_run_id AND b.fence_run_id IS NULL
       WHERE c.granted_at < $1 AND c.told_at IS NULL
         AND NOT EXISTS (SELECT FROM pool_claim w WHERE w.job_run_id = c.job_run_id AND w.granted_at IS NULL)
       GROUP BY c.job_run_id, c.number ORDER BY min(c.granted_at) LIMIT $2) n
       JOIN job_run r ON r.id = n.job_run_id JOIN job j ON j.id = r.job_id LEFT JOIN graph_run g ON g.id = r.graph_run_id`,
    [olderThan, most],
  );
  return found.rows;
}

/** By request: one that came in the place of what was told has not been told. */
export async function noteTold({ pool }: Database, told: readonly ToldGrant[]): Promise<void> {
  await pool.query(
    `UPDATE pool_claim c SET told_at = now() FROM unnest($1::uuid[], $2::bigint[]) AS n (job_run_id, number)
     WHERE c.job_run_id = n.job_run_id AND c.number = n.number AND c.granted_at IS NOT NULL AND c.told_at IS NULL`,
    [told.map(({ jobRunId }) => jobRunId), told.map(({ number }) => number)],
  );
}
