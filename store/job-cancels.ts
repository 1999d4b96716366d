// Cancels of single jobs of graph runs: their workflow is told by a signal.
import type pg from 'pg';

/** What the workflow of its graph run is told of a job that is to be cancelled. */
export interface JobCancelToTell {
  readonly jobRunId: string;
  readonly job: string;
  readonly workflowId: string;
  /** Of the execution that carries out the graph run, and has not been told. */
  readonly runId: string;
  /** Whose request it is. */
  readonly by: string;
}

type Queries = Pick<pg.Pool | pg.ClientBase, 'query'>;

const selectUntold = `
  SELECT r.id AS "jobRunId", j.key AS job, t.workflow_id AS "workflowId", t.run_id AS "runId", r.cancel_requested_by AS by
  FROM job_run r JOIN job j ON j.id = r.job_id JOIN graph_run g ON g.id = r.graph_run_id
    JOIN task t ON t.graph_run_id = g.id AND t.epoch = g.epoch AND t.closed_at IS NULL
  WHERE r.is_cancelling AND r.cancel_told_to IS DISTINCT FROM t.run_id`;

/** Null where its workflow has been told, or there is none yet. */
export async function readUntoldJob(client: Queries, jobRunId: string): Promise<JobCancelToTell | null> {
  const found = await client.query<JobCancelToTell>(`${selectUntold} AND r.id = $1`, [jobRunId]);
  return found.rows[0] ?? null;
}

export async function readUntoldJobs(
  client: Queries,
  after: string | null,
  most: number,
): Promise<JobCancelToTell[]> {
  const found = await client.query<JobCancelToTell>(
    `${selectUntold} AND ($1::uuid IS NULL OR r.id > $1::uuid) ORDER BY r.id LIMIT $2`,
    [after, most],
  );
  return found.rows;
}

export async function noteJobTold(client: Queries, { jobRunId, runId }: JobCancelToTell): Promise<void> {
  await client.query('UPDATE job_run SET cancel_told_to = $2 WHERE id = $1 AND is_cancelling', [
    jobRunId,
    runId,
  ]);
}
