// JobRun rows as the transitions see them, locked and written in batches.
import type pg from 'pg';
import type { JobEnd, JobFailure, JobRunReason, JobSuccess, RunState } from '../graph/states.ts';
import type { JobRunRow, OpenTask, RunError } from '../graph/transitions.ts';
import { toJson } from './json.ts';

export interface LockedJobRun extends JobRunRow {
  readonly project: string;
  readonly job: string;
  readonly graphRunId: string | null;
}

interface Row {
  readonly id: string;
  readonly project: string;
  readonly job: string;
  readonly graph_run_id: string | null;
  readonly state: RunState;
  readonly reason: JobRunReason | null;
  readonly error: RunError | null;
  readonly output: string | null;
  readonly output_hash: string | null;
  readonly output_bytes: number | null;
  readonly epoch: number;
  readonly attempts: number;
  readonly fence_run_id: string | null;
  readonly fence_scheduled_at: Date | null;
  readonly started_at: Date | null;
  readonly completed_at: Date | null;
}

/** A row as it is made, before any attempt. */
export function freshRow(id: string): JobRunRow {
  const nothing = {
    reason: null,
    fence: null,
    startedAt: null,
    completedAt: null,
    error: null,
    output: null,
  };
  return { id, state: 'PENDING', epoch: 1, attempts: 0, ...nothing };
}

/** Locks rows in order of id, as every writer does. */
export async function lockJobRuns(
  client: pg.ClientBase,
  ids: readonly string[],
): Promise<Map<string, LockedJobRun>> {
  const found = await client.query<Row>(
    `SELECT r.id, p.name AS project, j.key AS job, r.graph_run_id, r.state, r.reason, r.error, r.output, r.output_hash,
            r.output_bytes, r.epoch, r.attempts, r.fence_run_id, r.fence_scheduled_at, r.started_at, r.completed_at
     FROM job_run r JOIN job j ON j.id = r.job_id JOIN project p ON p.id = r.project_id
     WHERE r.id = ANY ($1::uuid[]) ORDER BY r.id FOR UPDATE OF r`,
    [[...new Set(ids)]],
  );
  return new Map(found.rows.map((row) => [row.id, toLocked(row)]));
}

/** The open ones among executions, by run id. Read after the rows are locked: an adoption before that is seen. */
export async function openTasks(
  client: pg.ClientBase,
  runIds: readonly string[],
): Promise<Map<string, OpenTask>> {
  const found = await client.query<{ run_id: string; epoch: number }>(
    'SELECT run_id, epoch FROM task WHERE run_id = ANY ($1::text[]) AND closed_at IS NULL',
    [[...new Set(runIds)]],
  );
  return new Map(found.rows.map((row) => [row.run_id, { runId: row.run_id, epoch: row.epoch }]));
}

/** The columns of `jobRunArrays`, in their order. */
export const jobRunColumns =
  'id, state, reason, error, output, output_hash, output_bytes, attempts, fence_run_id, fence_scheduled_at, started_at, completed_at';

export const jobRunTypes = [
  ...['uuid[]', 'run_state[]', 'text[]', 'jsonb[]', 'text[]', 'text[]', 'int[]', 'int[]', 'text[]'],
  ...['timestamptz[]', 'timestamptz[]', 'timestamptz[]'],
] as const;

export const setJobRun = jobRunColumns
  .split(', ')
  .slice(1)
  .map((column) => `${column} = n.${column}`)
  .join(', ');

export function jobRunArrays(rows: readonly JobRunRow[]): unknown[][] {
  return [
    rows.map((row) => row.id),
    rows.map((row) => row.state),
    rows.map((row) => row.reason),
    rows.map((row) => toJson(row.error)),
    rows.map((row) => row.output?.text ?? null),
    rows.map((row) => row.output?.hash ?? null),
    rows.map((row) => row.output?.bytes ?? null),
    rows.map((row) => row.attempts),
    rows.map((row) => row.fence?.runId ?? null),
    rows.map((row) => row.fence && new Date(row.fence.scheduledAtMs)),
    rows.map((row) => row.startedAt),
    rows.map((row) => row.completedAt),
  ];
}

const updateSql = `
  UPDATE job_run r SET ${setJobRun}, updated_by = $${jobRunTypes.length + 1}
  FROM unnest(${jobRunTypes.map((type, index) => `$${index + 1}::${type}`).join(', ')}) AS n (${jobRunColumns})
  WHERE r.id = n.id`;

export async function updateJobRuns(
  client: pg.ClientBase,
  rows: readonly JobRunRow[],
  actor: string,
): Promise<void> {
  if (rows.length > 0) await client.query(updateSql, [...jobRunArrays(rows), actor]);
}

/** How a final row ended. The constraint of the table holds state and reason together. */
export function endOf(row: JobRunRow): JobEnd {
  return row.state === 'SUCCESS'
    ? { state: 'SUCCESS', reason: row.reason as JobSuccess | null }
    : { state: 'FAILED', reason: row.reason as JobFailure };
}

function toLocked(row: Row): LockedJobRun {
  const { output, output_hash: hash, output_bytes: bytes } = row;
  return {
    id: row.id,
    project: row.project,
    job: row.job,
    graphRunId: row.graph_run_id,
    state: row.state,
    reason: row.reason,
    epoch: row.epoch,
    fence:
      row.fence_run_id !== null && row.fence_scheduled_at !== null
        ? { runId: row.fence_run_id, scheduledAtMs: row.fence_scheduled_at.getTime() }
        : null,
    attempts: row.attempts,
    startedAt: row.started_at,
    completedAt: row.completed_at,
    error: row.error,
    output: output !== null && hash !== null && bytes !== null ? { text: output, hash, bytes } : null,
  };
}
