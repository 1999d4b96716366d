import type pg from 'pg';
import { type GraphEnd, type GraphFailure, isFinal, type RunState } from '../graph/states.ts';
import type { Database } from './database.ts';
import { insertEvents } from './events.ts';
import type { CloseGraphRun, CloseJobRun } from './execution.ts';
import { toJson } from './json.ts';
import { letIn, lockLine } from './run-line.ts';
import { settleRows } from './settle-jobs.ts';
import { nothingShutOut, type ShutOut } from './shut-out.ts';

const closeSql = `
  WITH n AS (
    SELECT * FROM unnest($1::text[], $2::run_state[], $3::text[], $4::jsonb[], $5::text[])
      AS n (run_id, state, reason, error, actor)
  ), lone AS (
    SELECT p.id FROM project p
    WHERE p.id IN (SELECT r.project_id FROM n JOIN task t ON t.run_id = n.run_id JOIN graph_run r ON r.id = t.graph_run_id)
      AND NOT p.has_line
    ORDER BY p.id FOR SHARE
  ), closed AS (
    UPDATE graph_run r SET state = n.state, reason = n.reason, error = n.error, completed_at = now(), updated_by = n.actor
    FROM n JOIN task t ON t.run_id = n.run_id, lone
    WHERE r.id = t.graph_run_id AND r.project_id = lone.id AND r.epoch = t.epoch AND r.completed_at IS NULL
    RETURNING r.id, r.project_name, r.epoch, n.run_id, n.state, n.reason, n.actor
  ), tasks AS (
    UPDATE task t SET closed_at = now(), closed_by = c.actor FROM closed c WHERE t.run_id = c.run_id AND t.closed_at IS NULL
  ), counter AS (
    UPDATE event_counter SET last = last + (SELECT count(*) FROM closed) WHERE id = 1 RETURNING last
  ), told AS (
    INSERT INTO event (number, type, project, graph_run_id, state, reason, epoch, actor)
    SELECT counter.last + 1 - row_number() OVER (ORDER BY id DESC), 'graph_run', project_name, id, state, reason, epoch, actor
    FROM counter, closed
  )
  SELECT run_id AS "runId" FROM closed`;

/**
 * Ends graph runs with their Tasks, in one statement, where no other run of their project waits for that: those are ended one
 * by one, and let others in. What an execution that is superseded asks for changes nothing. Answers in the order of the
 * requests with what is recorded: a run that had ended keeps its end.
 */
export async function closeGraphRuns(
  { pool, transaction }: Pick<Database, 'pool' | 'transaction'>,
  requests: readonly Omit<CloseGraphRun, 'settle'>[],
): Promise<GraphEnd[]> {
  const { rows } = await pool.query<{ runId: string }>({
    name: 'close-graph-runs',
    text: closeSql,
    values: [
      requests.map(({ runId }) => runId),
      requests.map(({ end }) => end.state),
      requests.map(({ end }) => end.reason),
      requests.map(({ error }) => toJson(error)),
      requests.map(({ actor }) => actor),
    ],
  });
  const closed = new Set(rows.map(({ runId }) => runId));
  const ends: GraphEnd[] = [];
  for (const request of requests) {
    const { runId, end } = request;
    if (closed.has(runId)) ends.push(end);
    else {
      const whole = { ...request, settle: [] };
      ends.push(await transaction((client) => closeGraphRun(client, whole, nothingShutOut)));
    }
  }
  return ends;
}

interface EndedRun {
  readonly state: RunState;
  readonly reason: string | null;
}

/** The constraint of the table holds state and reason together. */
function endOf({ state, reason }: EndedRun): GraphEnd {
  return state === 'SUCCESS'
    ? { state: 'SUCCESS', reason: null }
    : { state: 'FAILED', reason: reason as GraphFailure };
}

/**
 * Ends a graph run with its Task, and jobs with it. Asked again by the same execution, it changes nothing, and answers with
 * what is recorded.
 */
export async function closeGraphRun(
  client: pg.ClientBase,
  request: CloseGraphRun,
  shut: ShutOut,
): Promise<GraphEnd> {
  const { runId, end, error, actor } = request;
  await lockLine(client, { runId });
  const found = await client.query<
    EndedRun & { id: string; projectId: string; project: string; epoch: number }
  >(
    `SELECT r.id, r.project_id AS "projectId", r.project_name AS project, r.state, r.reason, r.epoch
     FROM task t JOIN graph_run r ON r.id = t.graph_run_id
     WHERE t.run_id = $1 AND t.epoch = r.epoch FOR UPDATE OF r`,
    [runId],
  );
  const run = found.rows[0];
  if (!run) return end;
  if (isFinal(run.state)) return endOf(run);
  const { events } = await settleRows(client, { runId, jobs: request.settle, actor }, shut);
  await client.query(
    `UPDATE graph_run SET state = $2, reason = $3, error = $4, completed_at = now(), updated_by = $5 WHERE id = $1`,
    [run.id, end.state, end.reason, toJson(error), actor],
  );
  await closeTask(client, runId, actor);
  const ended = {
    type: 'graph_run',
    project: run.project,
    graphRunId: run.id,
    epoch: run.epoch,
    actor,
  } as const;
  events.push({ ...ended, state: end.state, reason: end.reason });
  await insertEvents(client, [...events, ...(await letIn(client, run.projectId, actor))]);
  return end;
}

/** Ends what is left open of a lone job run, and its Task. */
export async function closeJobRun(client: pg.ClientBase, request: CloseJobRun, shut: ShutOut): Promise<void> {
  const { runId, end, error, actor } = request;
  const found = await client.query<{ id: string }>(
    'SELECT r.id FROM task t JOIN job_run r ON r.id = t.job_run_id WHERE t.run_id = $1 AND t.closed_at IS NULL FOR UPDATE OF r',
    [runId],
  );
  const jobRunId = found.rows[0]?.id;
  if (jobRunId === undefined) return;
  const { events } = await settleRows(client, { runId, jobs: [{ jobRunId, end, error }], actor }, shut);
  await closeTask(client, runId, actor);
  await insertEvents(client, events);
}

async function closeTask(client: pg.ClientBase, runId: string, actor: string): Promise<void> {
  await client.query(
    'UPDATE task SET closed_at = now(), closed_by = $2 WHERE run_id = $1 AND closed_at IS NULL',
    [runId, actor],
  );
}
