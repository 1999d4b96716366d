// A run that waits for others of its project has no workflow that could end it: its cancel does.
import type pg from 'pg';
import type { NewEvent } from './events.ts';

/** The run is locked. The events are for the caller to add as its transaction's last statement. */
export async function endWaitingRun(
  client: pg.ClientBase,
  run: { readonly id: string; readonly project: string; readonly epoch: number; readonly actor: string },
): Promise<NewEvent[]> {
  const { id, project, epoch, actor } = run;
  const ended = await client.query<{ id: string; job: string; attempts: number }>(
    `WITH ended AS (
       UPDATE job_run SET state = 'FAILED', reason = 'cancelled', error = NULL, completed_at = now(), updated_by = $2
       WHERE graph_run_id = $1 AND completed_at IS NULL RETURNING id, job_id, attempts, place
     )
     SELECT e.id, j.key AS job, e.attempts FROM ended e JOIN job j ON j.id = e.job_id ORDER BY e.place`,
    [id, actor],
  );
  await client.query(
    `UPDATE graph_run SET state = 'FAILED', reason = 'cancelled', completed_at = now(), updated_by = $2 WHERE id = $1`,
    [id, actor],
  );
  const end = { state: 'FAILED', reason: 'cancelled', epoch, actor } as const;
  return [
    ...ended.rows.map(({ id: jobRunId, job, attempts }): NewEvent => {
      return { type: 'job_run', project, graphRunId: id, jobRunId, job, attempt: attempts, ...end };
    }),
    { type: 'graph_run', project, graphRunId: id, ...end },
  ];
}
