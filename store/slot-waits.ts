// Why jobs wait for pools, as explain tells it.
import type pg from 'pg';
import { limits } from '../graph/limits.ts';

export interface SlotHolder {
  readonly project: string;
  readonly job: string;
  readonly jobRunId: string;
  readonly graphRunId: string | null;
  readonly slots: number;
}

/** What a job that waits asks of one pool. */
export interface SlotWait {
  readonly pool: string;
  readonly asked: number;
  readonly slots: number;
  readonly free: number;
  /** How many jobs come first. */
  readonly ahead: number;
  /** The first of them, oldest grant first; all are counted. */
  readonly holders: readonly SlotHolder[];
  readonly holderCount: number;
}

interface WaitRow extends Omit<SlotWait, 'holders'> {
  readonly jobRunId: string;
}

interface HolderRow extends SlotHolder {
  readonly pool: string;
}

/** By job run, of those that wait, as many as explain tells of. */
export async function readSlotWaits(
  client: pg.ClientBase,
  jobRunIds: readonly string[],
): Promise<ReadonlyMap<string, SlotWait[]>> {
  const told = jobRunIds.slice(0, limits.explainedJobsPerReason);
  if (told.length === 0) return new Map();
  const waits = await client.query<WaitRow>(
    `SELECT c.job_run_id AS "jobRunId", c.pool, c.slots AS asked, p.slots, greatest(0, p.slots - held.slots)::int AS free,
       held.count AS "holderCount",
       (SELECT count(*)::int FROM pool_claim w WHERE w.pool = c.pool AND w.granted_at IS NULL
          AND (w.priority > c.priority OR (w.priority = c.priority AND w.number < c.number))) AS ahead
     FROM pool_claim c JOIN pool p ON p.name = c.pool, LATERAL (
       SELECT coalesce(sum(least(h.slots, p.slots)), 0) AS slots, count(*)::int AS count
       FROM pool_claim h WHERE h.pool = c.pool AND h.granted_at IS NOT NULL) held
     WHERE c.job_run_id = ANY ($1::uuid[]) AND c.granted_at IS NULL ORDER BY c.pool`,
    [told],
  );
  const holders = await client.query<HolderRow>(
    `SELECT h.pool, h.slots, h.job_run_id AS "jobRunId", r.graph_run_id AS "graphRunId", j.key AS job, p.name AS project
     FROM unnest($1::text[]) AS pool (name), LATERAL (
       SELECT * FROM pool_claim c WHERE c.pool = pool.name AND c.granted_at IS NOT NULL ORDER BY c.granted_at, c.number LIMIT $2) h
       JOIN job_run r ON r.id = h.job_run_id JOIN job j ON j.id = r.job_id JOIN project p ON p.id = r.project_id`,
    [[...new Set(waits.rows.map(({ pool }) => pool))], limits.explainedHolders],
  );
  const found = new Map<string, SlotWait[]>();
  for (const { jobRunId, ...wait } of waits.rows) {
    const own = holders.rows.flatMap(({ pool, ...holder }) => (pool === wait.pool ? [holder] : []));
    found.set(jobRunId, [...(found.get(jobRunId) ?? []), { ...wait, holders: own }]);
  }
  return found;
}
