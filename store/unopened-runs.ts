// Runs whose row is there and that no worker has opened yet.
import type pg from 'pg';
import { insertEvents } from './events.ts';
import type { WorkflowIdentity } from './execution.ts';
import type { NotedStart, RunSubject } from './watching.ts';

/**
 * Keeps which execution a run was started with: from then on the watch compares the two, and sends no start any more. A
 * start that is new is a correction, and an event.
 */
export async function noteStarts(
  client: pg.ClientBase,
  subject: RunSubject,
  starts: readonly NotedStart[],
  actor: string,
): Promise<void> {
  const found = await client.query<NotedRow>(
    `WITH given AS (SELECT * FROM unnest($1::uuid[], $2::text[]) AS g (id, first_execution_run_id)),
       waiting AS (
         SELECT r.id FROM ${subject} r JOIN given g ON g.id = r.id
         WHERE r.state = 'PENDING' AND r.first_execution_run_id IS NULL ORDER BY r.id FOR UPDATE OF r)
     UPDATE ${subject} r SET first_execution_run_id = g.first_execution_run_id
     FROM given g JOIN waiting USING (id) WHERE r.id = g.id
     RETURNING r.id, r.epoch, ${projectOf[subject]} AS project, ${jobOf[subject]} AS job`,
    [starts.map(({ id }) => id), starts.map(({ firstExecutionRunId }) => firstExecutionRunId)],
  );
  const isNew = new Set(starts.flatMap((start) => (start.isNew ? [start.id] : [])));
  const runs = found.rows.filter(({ id }) => isNew.has(id));
  await insertEvents(
    client,
    runs.map(({ id, project, job, epoch }) => ({
      type: subject,
      project,
      ...(subject === 'graph_run' ? { graphRunId: id } : { jobRunId: id, job }),
      state: 'PENDING',
      epoch,
      actor,
    })),
  );
}

interface NotedRow {
  readonly id: string;
  readonly epoch: number;
  readonly project: string;
  readonly job: string | null;
}

const projectOf = {
  graph_run: 'r.project_name',
  job_run: '(SELECT name FROM project WHERE id = r.project_id)',
} as const;
const jobOf = { graph_run: 'NULL', job_run: '(SELECT key FROM job WHERE id = r.job_id)' } as const;

/** Runs `r` whose first execution is started from here, after their row is there. */
export const startedHere = `r.origin IN ('api', 'after', 'backfill')`;

/** Makes an execution the Task of a run that it never opened, since it was ended before. */
export async function claimUnopened(
  client: pg.ClientBase,
  { workflowId, runId, firstExecutionRunId }: WorkflowIdentity,
  actor: string,
): Promise<boolean> {
  for (const subject of ['graph_run', 'job_run'] as const) {
    // As those who open a run lock it: one of the two is first, and the other finds a Task.
    const found = await client.query<{ id: string; epoch: number }>(
      `SELECT r.id, r.epoch FROM ${subject} r WHERE r.workflow_id = $1 AND r.completed_at IS NULL
         AND (r.first_execution_run_id = $2 OR (r.first_execution_run_id IS NULL AND (${startedHere} OR r.epoch > 1))) FOR UPDATE`,
      [workflowId, firstExecutionRunId],
    );
    const run = found.rows[0];
    if (!run) continue;
    const { rowCount } = await client.query(
      `INSERT INTO task (run_id, workflow_id, first_execution_run_id, ${subject}_id, epoch, opened_by)
       SELECT $1, $2, $3, $4::uuid, $5, $6 WHERE NOT EXISTS (SELECT FROM task WHERE ${subject}_id = $4::uuid AND epoch = $5)`,
      [runId, workflowId, firstExecutionRunId, run.id, run.epoch, actor],
    );
    return rowCount === 1;
  }
  return false;
}
