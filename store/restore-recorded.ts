import type pg from 'pg';

/** The end of a job run that an attempt in another execution had recorded. */
export interface RecordedEnd {
  readonly jobRunId: string;
  readonly recordedIn: string | null;
}

/** Job runs that were given an earlier end again have the epoch and the times of the attempt that had recorded it. */
export async function restoreRecorded(client: pg.ClientBase, ends: readonly RecordedEnd[]): Promise<void> {
  const recorded = ends.filter(({ recordedIn }) => recordedIn !== null);
  if (recorded.length === 0) return;
  await client.query(
    `UPDATE job_run r SET epoch = a.epoch, started_at = a.started_at, completed_at = a.completed_at
     FROM (
       SELECT DISTINCT ON (a.job_run_id) a.job_run_id, a.epoch, a.state, a.completed_at,
         min(a.started_at) OVER (PARTITION BY a.job_run_id) AS started_at
       FROM attempt a JOIN unnest($1::uuid[], $2::text[]) AS n (id, run_id) ON a.job_run_id = n.id AND a.run_id = n.run_id
       ORDER BY a.job_run_id, a.number DESC
     ) a WHERE a.job_run_id = r.id AND a.state = r.state AND a.completed_at IS NOT NULL`,
    [recorded.map(({ jobRunId }) => jobRunId), recorded.map(({ recordedIn }) => recordedIn)],
  );
}
