import type pg from 'pg';
import type { AttemptSubject } from './attempt-writes.ts';
import { flushAttempts } from './flush-attempts.ts';
import type { LostAttempt, RunningAttempt } from './watching.ts';

/** Attempts that the rows of an execution's jobs say to run. */
export async function readRunningAttempts(
  pool: pg.Pool,
  runId: string,
  jobs: readonly string[],
): Promise<RunningAttempt[]> {
  const found = await pool.query<AttemptSubject & { scheduledAt: Date }>(
    `SELECT r.id AS "jobRunId", p.name AS project, j.key AS job, r.graph_run_id AS "graphRunId",
       r.fence_scheduled_at AS "scheduledAt"
     FROM task t JOIN job_run r ON r.graph_run_id = t.graph_run_id OR r.id = t.job_run_id
       JOIN job j ON j.id = r.job_id JOIN project p ON p.id = r.project_id
     WHERE t.run_id = $1 AND t.closed_at IS NULL AND r.state = 'RUNNING' AND r.fence_run_id = t.run_id
       AND j.key = ANY ($2::text[])`,
    [runId, jobs],
  );
  return found.rows.map(({ scheduledAt, ...subject }) => ({
    ...subject,
    fence: { runId, scheduledAtMs: scheduledAt.getTime() },
  }));
}

/** Fenced as the end of an attempt is that tells of itself: one that has ended, or that another has followed, stays. */
export async function noteLost(
  client: pg.ClientBase,
  lost: readonly LostAttempt[],
  actor: string,
): Promise<void> {
  const at = new Date();
  const writes = lost.map(({ fence, reason, error, ...subject }) => {
    const end = { kind: 'retry', reason, error } as const;
    const write = { subject, fence, worker: actor, at, end };
    return { type: 'end', write, answer: () => {}, fail: () => {} } as const;
  });
  await flushAttempts(client, writes);
}
