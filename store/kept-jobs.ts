import type pg from 'pg';
import type { KeptJobs, Plan } from '../graph/plan.ts';
import { keptJobs } from '../graph/resume.ts';
import type { RunState } from '../graph/states.ts';

/**
 * What has ended when a workflow opens its run, and what it does not run again: jobs that a resume or a reset has kept, and
 * those that ended in the execution that it goes on from.
 */
export async function readKept(
  client: Pick<pg.Pool | pg.ClientBase, 'query'>,
  graphRunId: string,
  plan: Plan,
): Promise<{ readonly kept?: KeptJobs }> {
  const found = await client.query<{ job: string; state: RunState; reason: string | null }>(
    `SELECT j.key AS job, r.state, r.reason FROM job_run r JOIN job j ON j.id = r.job_id
     WHERE r.graph_run_id = $1 AND r.completed_at IS NOT NULL`,
    [graphRunId],
  );
  const kept = keptJobs(plan, new Map(found.rows.map(({ job, ...end }) => [job, end])));
  return kept ? { kept } : {};
}
