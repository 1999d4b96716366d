// Jobs that ask for slots of pools, and what they ask for.
import type pg from 'pg';
import type { JobRules } from '../graph/rules.ts';
import type { GraphCache } from './graph-cache.ts';

export interface AskingRow {
  readonly id: string;
  readonly job: string;
  readonly projectId: string;
  readonly project: string;
  readonly graphRunId: string | null;
  readonly version: number;
  readonly epoch: number;
  readonly attempts: number;
}

export interface Claim {
  readonly row: AskingRow;
  readonly pool: string;
  readonly slots: number;
  readonly priority: number;
  /** The job asks for slots of other pools as well. */
  readonly isOneOfMany: boolean;
}

export async function lockAsking(
  client: pg.ClientBase,
  ids: readonly string[],
): Promise<Map<string, AskingRow>> {
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
export async function claimsOf(
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
    const isOneOfMany = Object.keys(pools).length > 1;
    return Object.entries(pools).map(([pool, slots]): Claim => ({ row, pool, slots, priority, isOneOfMany }));
  });
}
