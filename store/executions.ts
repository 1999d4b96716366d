// What the rows know of Temporal's executions.
import type pg from 'pg';
import { readWorkflowId } from '../graph/workflow-ids.ts';
import type { WorkflowIdentity } from './execution.ts';
import type { ExecutionIds, OpenExecution, Sifted, Standing } from './watching.ts';

/** Open Tasks, and runs that are started and that no worker has opened yet, in one order. */
export async function readOpenExecutions(
  pool: pg.Pool,
  after: OpenExecution | null,
  most: number,
): Promise<OpenExecution[]> {
  const found = await pool.query<OpenExecution>(
    `SELECT run_id AS "runId", workflow_id AS "workflowId", since, is_stuck AS "isStuck" FROM (
       SELECT t.run_id, t.workflow_id, t.opened_at, coalesce(r.reason = 'stuck', false)
       FROM task t LEFT JOIN graph_run r ON r.id = t.graph_run_id WHERE t.closed_at IS NULL
       UNION ALL
       SELECT r.first_execution_run_id, r.workflow_id, r.created_at, r.error IS NOT NULL
       FROM graph_run r WHERE r.is_waiting AND r.first_execution_run_id IS NOT NULL
         AND NOT EXISTS (SELECT FROM task t WHERE t.graph_run_id = r.id AND t.epoch = r.epoch)
       UNION ALL
       SELECT r.first_execution_run_id, r.workflow_id, r.created_at, false
       FROM job_run r WHERE r.is_waiting_alone AND r.first_execution_run_id IS NOT NULL
         AND NOT EXISTS (SELECT FROM task t WHERE t.job_run_id = r.id AND t.epoch = r.epoch)
     ) AS open (run_id, workflow_id, since, is_stuck)
     WHERE $1::timestamptz IS NULL OR (since, run_id) > ($1::timestamptz, $2::text)
     ORDER BY since, run_id LIMIT $3`,
    [after?.since ?? null, after?.runId ?? null, most],
  );
  return found.rows;
}

export async function siftExecutions(
  pool: pg.Pool,
  listed: readonly ExecutionIds[],
): Promise<ReadonlyMap<string, Sifted>> {
  const found = await pool.query<Sifted & { runId: string }>(
    `SELECT e.run_id AS "runId",
       CASE WHEN t.run_id IS NULL THEN NULL WHEN t.closed_at IS NULL THEN 'open' ELSE 'closed' END AS task,
       EXISTS (SELECT FROM graph_run r WHERE r.id = e.id OR r.workflow_id = e.workflow_id)
         OR EXISTS (SELECT FROM job_run r WHERE r.graph_run_id IS NULL AND (r.id = e.id OR r.workflow_id = e.workflow_id))
         AS "hasRun",
       EXISTS (SELECT FROM task o WHERE o.workflow_id = e.workflow_id) AS "hasTasks"
     FROM unnest($1::text[], $2::text[], $3::uuid[]) AS e (run_id, workflow_id, id)
       LEFT JOIN task t ON t.run_id = e.run_id`,
    [
      listed.map(({ runId }) => runId),
      listed.map(({ workflowId }) => workflowId),
      listed.map(({ workflowId }) => readWorkflowId(workflowId)?.id ?? null),
    ],
  );
  return new Map(found.rows.map(({ runId, ...sifted }) => [runId, sifted]));
}

interface Subject {
  readonly workflow_id: string;
  readonly first_execution_run_id: string | null;
  readonly is_open: boolean;
  /** In its epoch. */
  readonly has_tasks: boolean;
  /** Of this execution's chain. */
  readonly has_own_tasks: boolean;
}

export async function readStanding(pool: pg.Pool, identity: WorkflowIdentity): Promise<Standing> {
  const { workflowId, runId, firstExecutionRunId } = identity;
  const tasks = await pool.query<{ is_open: boolean }>(
    'SELECT closed_at IS NULL AS is_open FROM task WHERE run_id = $1',
    [runId],
  );
  if (tasks.rows[0]) return { is: 'task', isOpen: tasks.rows[0].is_open };
  const found = await pool.query<Subject>(
    `SELECT r.workflow_id, r.first_execution_run_id, r.completed_at IS NULL AS is_open, count(t.run_id) FILTER (WHERE t.epoch = r.epoch) > 0 AS has_tasks,
       count(t.run_id) FILTER (WHERE t.first_execution_run_id = $3) > 0 AS has_own_tasks
     FROM (
       SELECT id, workflow_id, first_execution_run_id, completed_at, epoch FROM graph_run
       WHERE id = $1 OR ($1::uuid IS NULL AND workflow_id = $2 AND first_execution_run_id = $3)
       UNION ALL
       SELECT id, workflow_id, first_execution_run_id, completed_at, epoch FROM job_run
       WHERE graph_run_id IS NULL
         AND (id = $1 OR ($1::uuid IS NULL AND workflow_id = $2 AND first_execution_run_id = $3))
     ) r LEFT JOIN task t ON t.graph_run_id = r.id OR t.job_run_id = r.id
     GROUP BY 1, 2, 3`,
    [readWorkflowId(workflowId)?.id ?? null, workflowId, firstExecutionRunId],
  );
  const run = found.rows[0];
  if (!run) return { is: 'stranger' };
  if (run.has_own_tasks) return { is: 'reset' };
  const isIts =
    run.workflow_id === workflowId &&
    (run.first_execution_run_id ?? firstExecutionRunId) === firstExecutionRunId;
  return { is: run.is_open && !run.has_tasks && isIts ? 'unopened' : 'other' };
}
