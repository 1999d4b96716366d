import type pg from 'pg';
import type { KeptJobs, Plan } from '../graph/plan.ts';
import { keptJobs } from '../graph/resume.ts';
import type { RunState } from '../graph/states.ts';

/**
 * The jobs that a resume has kept, for the workflow that carries it out: those that ended before the epoch that its id
 * names. Resets of that workflow make later epochs, and do not change this.
 */
export async function readKept(
  client: Pick<pg.Pool | pg.ClientBase, 'query'>,
  run: { readonly graphRunId: string; readonly namedEpoch: number },
  plan: Plan,
): Promise<{ readonly kept?: KeptJobs }> {
  if (run.namedEpoch === 1) return {};
  const found = await client.query<{ job: string; state: RunState; reason: string | null }>(
    `SELECT j.key AS job, r.state, r.reason FROM job_run r JOIN job j ON j.id = r.job_id
     WHERE r.graph_run_id = $1 AND r.epoch < $2 AND r.completed_at IS NOT NULL`,
    [run.graphRunId, run.namedEpoch],
  );
  const kept = keptJobs(plan, new Map(found.rows.map(({ job, ...end }) => [job, end])));
  return kept ? { kept } : {};
}
