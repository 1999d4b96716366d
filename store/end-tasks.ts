import type pg from 'pg';
import { isFinal, type RunState } from '../graph/states.ts';
import { insertEvents } from './events.ts';
import type { EndTask, JobToSettle } from './execution.ts';
import { toJson } from './json.ts';
import { letIn, lockLine } from './run-line.ts';
import { settleRows } from './settle-jobs.ts';
import type { ShutOut } from './shut-out.ts';

/**
 * Ends what an execution left open when it was ended from outside: jobs that its history tells of as it tells, all others
 * as `rest`. Resolves with whether anything was open.
 */
export async function endTask(client: pg.ClientBase, request: EndTask, shut: ShutOut): Promise<boolean> {
  const { runId, end, error, actor } = request;
  const found = await client.query<{ graph_run_id: string | null; job_run_id: string | null }>(
    'SELECT graph_run_id, job_run_id FROM task WHERE run_id = $1 AND closed_at IS NULL',
    [runId],
  );
  const task = found.rows[0];
  if (!task) return false;
  await lockLine(client, { runId });
  const run = task.graph_run_id === null ? undefined : await lockGraphRun(client, task.graph_run_id);
  const { events } = await settleRows(
    client,
    { runId, jobs: await openJobs(client, task, request), actor },
    shut,
  );
  if (run && !isFinal(run.state)) {
    await client.query(
      `UPDATE graph_run SET state = $2::run_state, reason = $3, error = $4, completed_at = now(), updated_by = $5,
         started_at = CASE WHEN $2::run_state = 'SUCCESS' THEN coalesce(started_at, now()) ELSE started_at END
       WHERE id = $1`,
      [task.graph_run_id, end.state, end.reason, toJson(error), actor],
    );
    const ended = {
      type: 'graph_run',
      project: run.project,
      graphRunId: task.graph_run_id,
      epoch: run.epoch,
      actor,
    } as const;
    events.push({ ...ended, state: end.state, reason: end.reason });
    events.push(...(await letIn(client, run.project_id, actor)));
  }
  await client.query('UPDATE task SET closed_at = now(), closed_by = $2 WHERE run_id = $1', [runId, actor]);
  await insertEvents(client, events);
  return true;
}

async function lockGraphRun(client: pg.ClientBase, id: string) {
  const found = await client.query<{ project: string; project_id: string; state: RunState; epoch: number }>(
    'SELECT project_name AS project, project_id, state, epoch FROM graph_run WHERE id = $1 FOR UPDATE',
    [id],
  );
  return found.rows[0];
}

async function openJobs(
  client: pg.ClientBase,
  task: { readonly graph_run_id: string | null; readonly job_run_id: string | null },
  { jobs, rest, error }: EndTask,
): Promise<JobToSettle[]> {
  const found = await client.query<{ id: string; job: string }>(
    `SELECT r.id, j.key AS job FROM job_run r JOIN job j ON j.id = r.job_id
     WHERE (r.graph_run_id = $1 OR r.id = $2) AND r.completed_at IS NULL`,
    [task.graph_run_id, task.job_run_id],
  );
  return found.rows.map(({ id, job }) => {
    const told = jobs.get(job) ?? { end: { state: 'FAILED', reason: rest } as const, error };
    return { jobRunId: id, ...told };
  });
}
