// Graph runs whose workflow task fails again and again. The reason `stuck` is of runs that are RUNNING; one that no worker
// could open yet stays PENDING, and carries the error alone.
import type pg from 'pg';
import type { RunState } from '../graph/states.ts';
import { insertEvents } from './events.ts';
import type { WorkflowIdentity } from './execution.ts';
import { toJson } from './json.ts';
import type { WorkflowTaskProblem } from './watching.ts';

interface Changed {
  readonly id: string;
  readonly project: string;
  readonly epoch: number;
  readonly state: RunState;
  readonly reason: string | null;
}

export async function markStuck(client: pg.ClientBase, problem: WorkflowTaskProblem): Promise<boolean> {
  const { identity, error, actor } = problem;
  const { runId, workflowId, firstExecutionRunId } = identity;
  const told = [actor, toJson(error)];
  const run =
    (await change(
      client,
      `SET reason = 'stuck', updated_by = $2, error = $3 ${isCarriedOut} AND r.reason IS NULL`,
      [runId, ...told],
    )) ??
    (await change(client, `SET updated_by = $3, error = $4 ${isUnopened} AND r.error IS NULL`, [
      workflowId,
      firstExecutionRunId,
      ...told,
    ]));
  return tell(client, run, actor);
}

export async function clearStuck(
  client: pg.ClientBase,
  identity: WorkflowIdentity,
  actor: string,
): Promise<boolean> {
  const { runId, workflowId, firstExecutionRunId } = identity;
  const cleared = 'reason = NULL, error = NULL';
  const run =
    (await change(client, `SET ${cleared}, updated_by = $2 ${isCarriedOut} AND r.reason = 'stuck'`, [
      runId,
      actor,
    ])) ??
    (await change(client, `SET ${cleared}, updated_by = $3 ${isUnopened} AND r.error IS NOT NULL`, [
      workflowId,
      firstExecutionRunId,
      actor,
    ]));
  return tell(client, run, actor);
}

/** The execution with the run id $1 is its open Task. */
const isCarriedOut = `FROM task t WHERE t.run_id = $1 AND t.closed_at IS NULL AND r.id = t.graph_run_id
  AND r.epoch = t.epoch AND r.state = 'RUNNING'`;
/** The execution with the workflow id $1 and the first run id $2 is to open it. */
const isUnopened = `WHERE r.workflow_id = $1 AND r.first_execution_run_id = $2 AND r.state = 'PENDING'
  AND NOT EXISTS (SELECT FROM task t WHERE t.graph_run_id = r.id AND t.epoch = r.epoch)`;

async function change(
  client: pg.ClientBase,
  sql: string,
  values: readonly (string | null)[],
): Promise<Changed | undefined> {
  const found = await client.query<Changed>(
    `UPDATE graph_run r ${sql} RETURNING r.id, r.project_name AS project, r.epoch, r.state, r.reason`,
    [...values],
  );
  return found.rows[0];
}

async function tell(client: pg.ClientBase, run: Changed | undefined, actor: string): Promise<boolean> {
  if (!run) return false;
  const { id, project, epoch, state, reason } = run;
  await insertEvents(client, [{ type: 'graph_run', project, graphRunId: id, state, reason, epoch, actor }]);
  return true;
}
