import type pg from 'pg';
import type { Plan } from '../graph/plan.ts';

/**
 * Jobs, by position, that have asked for slots of pools before an execution opens its run, in the order of their requests:
 * in one that it goes on from. Nothing where no job of the plan needs any.
 */
export async function readAsked(
  client: Pick<pg.ClientBase, 'query'>,
  graphRunId: string,
  plan: Plan,
): Promise<{ readonly asked?: readonly number[] }> {
  if (!needsSlots(plan)) return {};
  const found = await client.query<{ job: string }>(
    `SELECT j.key AS job FROM pool_claim c JOIN job_run r ON r.id = c.job_run_id JOIN job j ON j.id = r.job_id
     WHERE r.graph_run_id = $1 AND r.completed_at IS NULL AND c.epoch = r.epoch GROUP BY j.key ORDER BY min(c.number)`,
    [graphRunId],
  );
  const places = new Map(plan.keys.map((key, place) => [key, place]));
  return { asked: found.rows.flatMap(({ job }) => places.get(job) ?? []) };
}

/** Of a run that is new. */
export function noneAsked(plan: Plan): { readonly asked?: readonly number[] } {
  return needsSlots(plan) ? { asked: [] } : {};
}

function needsSlots({ rules }: Plan): boolean {
  return rules.some(({ pools }) => pools !== undefined);
}
