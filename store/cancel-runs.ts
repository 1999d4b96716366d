// Cancels: kept on the run's row first, with the epoch that they were asked for. Temporal is told afterwards, and again until
// it has heard (watch/).
import type pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import type { Asked, GraphRunView, JobRunDetail } from '../graph/resources.ts';
import type { Database } from './database.ts';
import { endWaitingRun } from './end-waiting-run.ts';
import type { GraphCache } from './graph-cache.ts';
import { unknownGraphRun } from './graph-runs.ts';
import { answerOnce } from './idempotency.ts';
import { isId } from './ids.ts';
import { type JobCancelToTell, noteJobTold, readUntoldJob, readUntoldJobs } from './job-cancels.ts';
import { readJobRun, unknownJobRun } from './job-runs.ts';
import {
  type CancelColumns,
  cancelColumns,
  type GraphRunRow,
  selectGraphRun,
  toCancelRequest,
  toGraphRunView,
} from './run-views.ts';
import type { Once } from './store.ts';
import type { RunSubject } from './watching.ts';

export interface NewCancel {
  readonly id: string;
  readonly note: string | null;
  readonly actor: string;
}

/** What Temporal is told of a cancel. */
export interface CancelToSend {
  readonly workflowId: string;
  /** Null while it is not known: the run was made by the API, and its workflow id is its own. */
  readonly firstExecutionRunId: string | null;
  readonly cancelRequest: Asked;
}

/** The first request of an epoch is kept; another one changes nothing, and is answered alike. */
export interface Cancels {
  /** @throws CodedError GRAPH_RUN_UNKNOWN, RUN_HAS_ENDED */
  graphRun(cancel: NewCancel, once?: Once<CancelledGraphRun>): Promise<CancelledGraphRun>;
  /** Of a job that was run alone, or of one in a graph run. @throws CodedError JOB_RUN_UNKNOWN, RUN_HAS_ENDED */
  jobRun(cancel: NewCancel, once?: Once<CancelledJobRun>): Promise<CancelledJobRun>;
  /** Of runs that are open, by id: the page after the one that ended with `after`. */
  open(subject: RunSubject, after: string | null, most: number): Promise<OpenCancel[]>;
  /** Of jobs of graph runs, by id, whose workflow is to be told: likewise. */
  untoldJobs(after: string | null, most: number): Promise<JobCancelToTell[]>;
  /** The execution has been told. */
  noteJobTold(cancel: JobCancelToTell): Promise<void>;
}

export type CancelledGraphRun = GraphRunView & CancelToSend;
/** The one is of a job that was run alone, the other of one in a graph run whose workflow has not been told. */
export type CancelledJobRun = JobRunDetail & {
  readonly toSend: CancelToSend | null;
  readonly toTell: JobCancelToTell | null;
};

export interface OpenCancel extends CancelToSend {
  readonly id: string;
  /** Of the execution that carries out the run; null before one has opened it. */
  readonly runId: string | null;
}

export function createCancels(database: Database, cache: GraphCache): Cancels {
  return {
    graphRun: (cancel, once) =>
      database.transaction((client) => answerOnce(client, once, () => cancelGraphRun(client, cancel))),
    jobRun: (cancel, once) =>
      database.transaction((client) => answerOnce(client, once, () => cancelJobRun(client, cache, cancel))),
    open: (subject, after, most) => readOpen(database.pool, subject, after, most),
    untoldJobs: (after, most) => readUntoldJobs(database.pool, after, most),
    noteJobTold: (cancel) => noteJobTold(database.pool, cancel),
  };
}

interface RequestedRow extends CancelColumns {
  readonly workflow_id: string;
  readonly first_execution_run_id: string | null;
}

/** The run's project may be locked, as by those who end runs. */
export async function cancelGraphRun(client: pg.ClientBase, { id, note, actor }: NewCancel) {
  if (!isId(id)) throw unknownGraphRun(id);
  const found = await client.query<
    RequestedRow & { project: string; is_open: boolean; is_in_line: boolean | null }
  >(
    `SELECT r.epoch, r.project_name AS project, r.completed_at IS NULL AS is_open, r.reason = 'slot' AS is_in_line, r.workflow_id,
       r.first_execution_run_id, ${cancelColumns} FROM graph_run r WHERE r.id = $1 FOR UPDATE`,
    [id],
  );
  const [row] = found.rows;
  if (!row) throw unknownGraphRun(id);
  if (!row.is_open) throw hasEnded('graph run', id);
  const isNew = toCancelRequest(row) === null;
  if (isNew) await keepRequest(client, 'graph_run', { id, note, actor });
  const { project, epoch } = row;
  const ended = row.is_in_line ? await endWaitingRun(client, { id, project, epoch, actor }) : [];
  const shown = await client.query<GraphRunRow>(`${selectGraphRun} WHERE r.id = $1`, [id]);
  const made = { ...toGraphRunView(shown.rows[0] as GraphRunRow), ...toSend(shown.rows[0], row) };
  const told = { type: 'cancel', project, graphRunId: id, epoch, actor, note } as const;
  return { made, events: isNew ? [told, ...ended] : ended };
}

async function cancelJobRun(client: pg.ClientBase, cache: GraphCache, { id, note, actor }: NewCancel) {
  if (!isId(id)) throw unknownJobRun(id);
  const found = await client.query<RequestedRow & LockedRow>(
    `SELECT p.name AS project, j.key AS job, r.graph_run_id AS "graphRunId", r.completed_at IS NULL AS "isOpen",
       r.workflow_id, r.first_execution_run_id, r.epoch, ${cancelColumns}
     FROM job_run r JOIN job j ON j.id = r.job_id JOIN project p ON p.id = r.project_id WHERE r.id = $1 FOR UPDATE OF r`,
    [id],
  );
  const [row] = found.rows;
  if (!row) throw unknownJobRun(id);
  if (!row.isOpen) throw hasEnded('job run', id);
  const isNew = toCancelRequest(row) === null;
  if (isNew) await keepRequest(client, 'job_run', { id, note, actor });
  const shown = await readJobRun(client, { load: (...of) => cache.load(client, ...of) }, id);
  const { cancelRequest } = shown;
  if (!cancelRequest) throw new Error('the request of a cancel was not kept');
  const { project, job, graphRunId, epoch, workflow_id: workflowId } = row;
  const made: CancelledJobRun = {
    ...shown,
    toSend:
      graphRunId === null
        ? { workflowId, firstExecutionRunId: row.first_execution_run_id, cancelRequest }
        : null,
    toTell: graphRunId === null ? null : await readUntoldJob(client, id),
  };
  const told = { type: 'cancel', project, graphRunId, jobRunId: id, job, epoch, actor, note } as const;
  return { made, events: isNew ? [told] : [] };
}

interface LockedRow {
  readonly project: string;
  readonly job: string;
  readonly graphRunId: string | null;
  readonly isOpen: boolean;
}

async function keepRequest(
  client: pg.ClientBase,
  subject: RunSubject,
  { id, note, actor }: NewCancel,
): Promise<void> {
  await client.query(
    `UPDATE ${subject} SET cancel_requested_at = now(), cancel_requested_by = $2, cancel_note = $3, cancel_epoch = epoch,
       updated_by = $2 WHERE id = $1`,
    [id, actor, note],
  );
}

function toSend(
  requested: CancelColumns | undefined,
  { workflow_id: workflowId, first_execution_run_id: firstExecutionRunId }: RequestedRow,
): CancelToSend {
  const cancelRequest = requested ? toCancelRequest(requested) : null;
  if (!cancelRequest) throw new Error('the request of a cancel was not kept');
  return { workflowId, firstExecutionRunId, cancelRequest };
}

async function readOpen(
  pool: pg.Pool,
  subject: RunSubject,
  after: string | null,
  most: number,
): Promise<OpenCancel[]> {
  const found = await pool.query<RequestedRow & { id: string; run_id: string | null }>(
    `SELECT r.id, r.epoch, coalesce(t.workflow_id, r.workflow_id) AS workflow_id, r.first_execution_run_id, ${cancelColumns},
       t.run_id
     FROM ${subject} r
     LEFT JOIN LATERAL (
       SELECT workflow_id, run_id FROM task WHERE ${subject}_id = r.id AND epoch = r.epoch AND closed_at IS NULL
       ORDER BY opened_at DESC LIMIT 1
     ) t ON true
     WHERE r.is_cancelling AND r.workflow_id IS NOT NULL AND ($1::uuid IS NULL OR r.id > $1::uuid)
     ORDER BY r.id LIMIT $2`,
    [after, most],
  );
  return found.rows.map((row) => ({ id: row.id, runId: row.run_id, ...toSend(row, row) }));
}

function hasEnded(what: string, id: string): CodedError {
  return new CodedError('RUN_HAS_ENDED', `The ${what} ${id} has ended: there is nothing left to cancel.`);
}
