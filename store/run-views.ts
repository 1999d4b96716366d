// Rows of runs, their Tasks and attempts, as the API shows them.
import type { Asked, AttemptView, GraphRunView, JobRunView } from '../graph/resources.ts';

export interface CancelColumns {
  readonly epoch: number;
  readonly cancel_requested_at: Date | null;
  readonly cancel_requested_by: string | null;
  readonly cancel_note: string | null;
  readonly cancel_epoch: number | null;
}

export const cancelColumns = 'r.cancel_requested_at, r.cancel_requested_by, r.cancel_note, r.cancel_epoch';

/** A request of an older epoch counts no more. */
export function toCancelRequest(row: CancelColumns): Asked | null {
  const { cancel_requested_at: at, cancel_requested_by: by, cancel_note: note } = row;
  if (row.cancel_epoch !== row.epoch || at === null || by === null) return null;
  return { at: at.toISOString(), by, note };
}

export interface MarkColumns {
  readonly epoch: number;
  readonly marked_at: Date | null;
  readonly marked_by: string | null;
  readonly mark_note: string | null;
  readonly mark_epoch: number | null;
  readonly mark_output: string | null;
}

export const markColumns = 'r.marked_at, r.marked_by, r.mark_note, r.mark_epoch, r.mark_output';

/** Likewise. */
export function toMark({ marked_at: at, marked_by: by, mark_note: note, ...row }: MarkColumns): Asked | null {
  if (row.mark_epoch !== row.epoch || at === null || by === null) return null;
  return { at: at.toISOString(), by, note };
}

export function toMarkOutput(row: MarkColumns): unknown {
  return row.mark_output === null || toMark(row) === null ? null : (JSON.parse(row.mark_output) as unknown);
}

export interface PauseColumns {
  readonly paused_at: Date | null;
  readonly paused_by: string | null;
  readonly pause_note: string | null;
  readonly completed_at: Date | null;
}

export const pauseColumns = 'r.paused_at, r.paused_by, r.pause_note, r.completed_at';

export function toPause({
  paused_at: at,
  paused_by: by,
  pause_note: note,
  ...row
}: PauseColumns): Asked | null {
  if (at === null || by === null || row.completed_at !== null) return null;
  return { at: at.toISOString(), by, note };
}

export interface GraphRunRow extends CancelColumns, PauseColumns {
  readonly id: string;
  readonly project_id: string | null;
  readonly project_name: string;
  readonly version: number | null;
  readonly state: GraphRunView['state'];
  readonly reason: GraphRunView['reason'];
  readonly error: GraphRunView['error'];
  readonly params: GraphRunView['params'];
  readonly select: string[];
  readonly selective: boolean;
  readonly origin: GraphRunView['origin'];
  readonly after_run_id: string | null;
  readonly schedule: string | null;
  readonly scheduled_at: Date | null;
  readonly backfill_id: string | null;
  readonly workflow_id: string;
  readonly created_at: Date;
  readonly created_by: string;
  readonly started_at: Date | null;
  readonly pending: number;
  readonly running: number;
  readonly failed: number;
  readonly success: number;
}

export const graphRunColumns = `
  r.id, r.project_id, r.project_name, r.version, r.state, r.reason, r.error, r.params, r."select", r.selective, r.origin,
  r.after_run_id, (SELECT s.name FROM schedule s WHERE s.id = r.schedule_id) AS schedule, r.scheduled_at, r.backfill_id, r.epoch, r.workflow_id, r.created_at, r.created_by, r.started_at, ${pauseColumns}, ${cancelColumns}`;

export const selectGraphRun = `
  SELECT ${graphRunColumns}, counts.*
  FROM graph_run r
  CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE j.state = 'PENDING')::int AS pending,
           count(*) FILTER (WHERE j.state = 'RUNNING')::int AS running,
           count(*) FILTER (WHERE j.state = 'FAILED')::int AS failed,
           count(*) FILTER (WHERE j.state = 'SUCCESS')::int AS success
    FROM job_run j WHERE j.graph_run_id = r.id
  ) counts`;

export function toGraphRunView(row: GraphRunRow): GraphRunView {
  const pause = toPause(row);
  return {
    id: row.id,
    project: row.project_name,
    version: row.version,
    state: row.state,
    reason: row.reason ?? reasonUnstored(row.state, pause),
    error: row.error,
    params: row.params,
    select: row.selective ? row.select : null,
    origin: row.origin,
    afterRunId: row.after_run_id,
    schedule: row.schedule,
    scheduledAt: row.scheduled_at?.toISOString() ?? null,
    backfillId: row.backfill_id,
    epoch: row.epoch,
    workflowId: row.workflow_id,
    cancelRequest: toCancelRequest(row),
    pause,
    jobCounts: { PENDING: row.pending, RUNNING: row.running, FAILED: row.failed, SUCCESS: row.success },
    createdAt: row.created_at.toISOString(),
    createdBy: row.created_by,
    startedAt: row.started_at?.toISOString() ?? null,
    completedAt: row.completed_at?.toISOString() ?? null,
  };
}

function reasonUnstored(state: GraphRunView['state'], pause: Asked | null): GraphRunView['reason'] {
  if (state === 'PENDING') return 'queued';
  return state === 'RUNNING' && pause !== null ? 'paused' : null;
}

export interface JobRunViewRow extends CancelColumns {
  readonly id: string;
  readonly project: string;
  readonly job: string;
  readonly kind: string;
  readonly graph_run_id: string | null;
  readonly state: JobRunView['state'];
  readonly reason: JobRunView['reason'];
  readonly hasSlots: boolean;
  readonly error: JobRunView['error'];
  /** Of its graph run. */
  readonly run_epoch: number | null;
  readonly attempts: number;
  readonly created_at: Date;
  readonly created_by: string;
  readonly started_at: Date | null;
  readonly completed_at: Date | null;
}

/** Of a job run `r`: that it waits for a pool is told by what it has asked for. */
export const jobRunReason = `coalesce(r.reason, CASE WHEN r.state = 'PENDING' AND EXISTS (
    SELECT FROM pool_claim c WHERE c.job_run_id = r.id AND c.granted_at IS NULL) THEN 'slot' END)`;

/** It has what it asked for of pools, and is about to begin. */
export const jobRunHasSlots = `(r.state = 'PENDING' AND EXISTS (
    SELECT FROM pool_claim c WHERE c.job_run_id = r.id AND c.granted_at IS NOT NULL))`;

export const jobRunViewColumns = `
  r.id, p.name AS project, j.key AS job, r.kind, r.graph_run_id, r.state, ${jobRunReason} AS reason, r.error, r.epoch, r.attempts,
  ${jobRunHasSlots} AS "hasSlots",
  (SELECT g.epoch FROM graph_run g WHERE g.id = r.graph_run_id) AS run_epoch, r.created_at, r.created_by, r.started_at, r.completed_at,
  ${cancelColumns}`;

/** `pendingReason` is what was computed for a row that is PENDING without a stored reason. */
export function toJobRunView(row: JobRunViewRow, pendingReason: JobRunView['reason'] = null): JobRunView {
  return {
    id: row.id,
    project: row.project,
    job: row.job,
    kind: row.kind,
    graphRunId: row.graph_run_id,
    state: row.state,
    reason: row.reason ?? (row.state === 'PENDING' ? pendingReason : null),
    error: row.error,
    epoch: row.epoch,
    reused: row.completed_at !== null && row.epoch < (row.run_epoch ?? 0),
    attempts: row.attempts,
    cancelRequest: toCancelRequest(row),
    createdAt: row.created_at.toISOString(),
    createdBy: row.created_by,
    startedAt: row.started_at?.toISOString() ?? null,
    completedAt: row.completed_at?.toISOString() ?? null,
  };
}

export interface AttemptRow {
  readonly number: number;
  readonly epoch: number;
  readonly state: AttemptView['state'];
  readonly reason: AttemptView['reason'];
  readonly error: AttemptView['error'];
  readonly worker: string;
  readonly started_at: Date;
  readonly completed_at: Date | null;
}

export function toAttemptView(row: AttemptRow): AttemptView {
  return {
    number: row.number,
    epoch: row.epoch,
    state: row.state,
    reason: row.reason,
    error: row.error,
    worker: row.worker,
    startedAt: row.started_at.toISOString(),
    completedAt: row.completed_at?.toISOString() ?? null,
  };
}
