import type pg from 'pg';
import type { TaskView } from '../graph/resources.ts';
import type { KnownTask } from './execution.ts';

export async function readKnownTasks(pool: pg.Pool, runIds: readonly string[]): Promise<KnownTask[]> {
  const found = await pool.query<KnownTask>(
    'SELECT run_id AS "runId", closed_at IS NULL AS "isOpen" FROM task WHERE run_id = ANY ($1::text[])',
    [runIds],
  );
  return found.rows;
}

/** The Tasks of a run as the API shows them, oldest first. */
export async function readTasks(
  client: pg.ClientBase,
  of: { readonly graphRunId: string } | { readonly jobRunId: string },
): Promise<TaskView[]> {
  const [column, id] = 'graphRunId' in of ? ['graph_run_id', of.graphRunId] : ['job_run_id', of.jobRunId];
  const found = await client.query<{
    workflow_id: string;
    run_id: string;
    epoch: number;
    opened_at: Date;
    closed_at: Date | null;
  }>(
    `SELECT workflow_id, run_id, epoch, opened_at, closed_at FROM task WHERE ${column} = $1 ORDER BY epoch, opened_at`,
    [id],
  );
  return found.rows.map((row) => ({
    workflowId: row.workflow_id,
    runId: row.run_id,
    epoch: row.epoch,
    openedAt: row.opened_at.toISOString(),
    closedAt: row.closed_at?.toISOString() ?? null,
  }));
}
