import type pg from 'pg';
import type { AttemptRow } from './fold-writes.ts';
import { toJson } from './json.ts';

/** The columns of `attemptArrays`, in their order. */
export const attemptColumns =
  'job_run_id, number, epoch, run_id, scheduled_at, state, reason, error, worker, started_at, completed_at';

export const attemptTypes = [
  ...['uuid[]', 'int[]', 'int[]', 'text[]', 'timestamptz[]', 'run_state[]', 'text[]', 'jsonb[]', 'text[]'],
  ...['timestamptz[]', 'timestamptz[]'],
] as const;

/** What a repeated or completed write of an attempt changes. */
export const onAttemptConflict = `ON CONFLICT (job_run_id, number) DO UPDATE
  SET state = excluded.state, reason = excluded.reason, error = excluded.error, completed_at = excluded.completed_at`;

export function attemptArrays(attempts: readonly AttemptRow[]): unknown[][] {
  return [
    attempts.map((attempt) => attempt.jobRunId),
    attempts.map((attempt) => attempt.number),
    attempts.map((attempt) => attempt.epoch),
    attempts.map((attempt) => attempt.runId),
    attempts.map((attempt) => attempt.scheduledAt),
    attempts.map((attempt) => attempt.state),
    attempts.map((attempt) => attempt.reason),
    attempts.map((attempt) => toJson(attempt.error)),
    attempts.map((attempt) => attempt.worker),
    attempts.map((attempt) => attempt.startedAt),
    attempts.map((attempt) => attempt.completedAt),
  ];
}

export async function upsertAttempts(client: pg.ClientBase, attempts: readonly AttemptRow[]): Promise<void> {
  if (attempts.length === 0) return;
  const arrays = attemptTypes.map((type, index) => `$${index + 1}::${type}`).join(', ');
  await client.query(
    `INSERT INTO attempt (${attemptColumns}) SELECT * FROM unnest(${arrays}) ${onAttemptConflict}`,
    attemptArrays(attempts),
  );
}
