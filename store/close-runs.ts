import type pg from 'pg';
import { type GraphEnd, type GraphFailure, isFinal, type RunState } from '../graph/states.ts';
import { insertEvents } from './events.ts';
import type { CloseGraphRun, CloseJobRun } from './execution.ts';
import { toJson } from './json.ts';
import { settleRows } from './settle-jobs.ts';
import type { ShutOut } from './shut-out.ts';

const closeSql = `
  WITH n AS (
    SELECT * FROM unnest($1::text[], $2::run_state[], $3::text[], $4::jsonb[], $5::text[])
      AS n (run_id, state, reason, error, actor)
  ), closed AS (
    UPDATE graph_run r SET state = n.state, reason = n.reason, error = n.error, completed_at = now(), updated_by = n.actor
    FROM n JOIN task t ON t.run_id = n.run_id
    WHERE r.id = t.graph_run_id AND r.epoch = t.epoch AND r.completed_at IS NULL
    RETURNING r.id, r.project_name, r.epoch, n.run_id, n.state, n.reason, n.actor
  ), tasks AS (
    UPDATE task t SET closed_at = now(), closed_by = c.actor FROM closed c WHERE t.run_id = c.run_id AND t.closed_at IS NULL
  ), counter AS (
    UPDATE event_counter SET last = last + (SELECT count(*) FROM closed) WHERE id = 1 RETURNING last
  )
  INSERT INTO event (number, type, project, graph_run_id, state, reason, epoch, actor)
  SELECT counter.last + 1 - row_number() OVER (ORDER BY id DESC), 'graph_run', project_name, id, state, reason, epoch, actor
  FROM counter, closed`;

/**
 * Ends graph runs with their Tasks, in one statement. What an execution that is superseded asks for changes nothing. Answers
 * in the order of the requests with what is recorded: a run that had ended keeps its end.
 */
export async function closeGraphRuns(
  pool: pg.Pool,
  requests: readonly Omit<CloseGraphRun, 'settle'>[],
): Promise<GraphEnd[]> {
  const { rowCount } = await pool.query({
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
  if (rowCount === requests.length) return requests.map(({ end }) => end);
  const recorded = await readEnds(
    pool,
    requests.map(({ runId }) => runId),
  );
  return requests.map(({ runId, end }) => recorded.get(runId) ?? end);
}

/** How the runs have ended that these executions carry out, by run id. */
async function readEnds(pool: pg.Pool, runIds: readonly string[]): Promise<Map<string, GraphEnd>> {
  const found = await pool.query<EndedRun & { runId: string }>(
    `SELECT t.run_id AS "runId", r.state, r.reason FROM task t JOIN graph_run r ON r.id = t.graph_run_id
     WHERE t.run_id = ANY ($1::text[]) AND t.epoch = r.epoch AND r.completed_at IS NOT NULL`,
    [runIds],
  );
  return new Map(found.rows.map(({ runId, ...run }) => [runId, endOf(run)]));
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
  const found = await client.query<EndedRun & { id: string; project: string; epoch: number }>(
    `SELECT r.id, r.project_name AS project, r.state, r.reason, r.epoch
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
  await insertEvents(client, [...events, { ...ended, state: end.state, reason: end.reason }]);
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
