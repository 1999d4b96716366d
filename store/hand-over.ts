import type pg from 'pg';
import type { WorkflowIdentity } from './execution.ts';

export interface Handover {
  readonly identity: WorkflowIdentity;
  readonly continuedFrom: string;
  readonly actor: string;
}

/**
 * A run goes on in a new execution: that is its open Task from now on, at the same epoch. False where the one that it goes on
 * from is not the open Task (any more), as for the reset of an execution that has taken over already.
 */
export async function handOver(
  client: pg.ClientBase,
  { identity, continuedFrom, actor }: Handover,
): Promise<boolean> {
  // As others lock it that open or adopt a run.
  await client.query(
    'SELECT FROM graph_run WHERE id = (SELECT graph_run_id FROM task WHERE run_id = $1) FOR UPDATE',
    [continuedFrom],
  );
  const { workflowId, runId, firstExecutionRunId } = identity;
  const closed = await client.query<{ graph_run_id: string; epoch: number }>(
    `UPDATE task t SET closed_at = now(), closed_by = $3 FROM graph_run r
     WHERE t.run_id = $1 AND t.closed_at IS NULL AND t.first_execution_run_id = $2 AND r.id = t.graph_run_id
       AND r.epoch = t.epoch AND r.completed_at IS NULL
     RETURNING t.graph_run_id, t.epoch`,
    [continuedFrom, firstExecutionRunId, actor],
  );
  const [task] = closed.rows;
  if (!task) return false;
  await client.query(
    `INSERT INTO task (run_id, workflow_id, first_execution_run_id, graph_run_id, epoch, opened_by)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [runId, workflowId, firstExecutionRunId, task.graph_run_id, task.epoch, actor],
  );
  return true;
}
