// Taking a run, by compare-and-set on (id, epoch, run id): of two executions one wins, and the winner may ask again.
import type pg from 'pg';
import { isFinal, type RunState } from '../graph/states.ts';
import { admitFired, noteBegun } from './admit-slots.ts';
import { readAsked } from './asked-jobs.ts';
import type { Database } from './database.ts';
import { insertEvents, type NewEvent } from './events.ts';
import type {
  NotOpened,
  OpenedGraphRun,
  OpenedJobRun,
  OpenGraphRun,
  OpenJobRun,
  WorkflowIdentity,
} from './execution.ts';
import type { GraphCache } from './graph-cache.ts';
import { handOver } from './hand-over.ts';
import { readKept } from './kept-jobs.ts';
import { planRun, unknownJob } from './new-runs.ts';
import { knownPauseOf, type PauseFacts, pauseFacts } from './open-known-runs.ts';
import {
  dropped,
  insertInvalidRun,
  insertOutsideGraphRun,
  insertOutsideJobRun,
  isRefusal,
  type MadeOutside,
  orFindIt,
} from './outside-runs.ts';

interface RunRow {
  readonly id: string;
  readonly project_id: string;
  readonly project: string;
  readonly version: number;
  readonly state: RunState;
  readonly epoch: number;
}

interface JobRunRow extends RunRow {
  readonly job: string;
}

interface GraphRunRow extends RunRow, PauseFacts {
  /** Why it cannot be run, when the watch found so before a worker came. */
  readonly invalid: string | null;
  readonly select: readonly string[];
  readonly selective: boolean;
  /** It is of a time of its schedule. */
  readonly slotted: boolean;
}

export async function openGraphRun(
  database: Database,
  cache: GraphCache,
  request: OpenGraphRun,
): Promise<OpenedGraphRun> {
  try {
    return await orFindIt(() => database.transaction((client) => takeGraphRun(client, cache, request)));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    // A run that the API has checked has its row; only one that came from outside needs it here.
    if (!request.known) await database.transaction((client) => insertInvalidRun(client, request, error));
    return { outcome: 'invalid', message: error.message };
  }
}

export async function openJobRun(
  database: Database,
  cache: GraphCache,
  request: OpenJobRun,
): Promise<OpenedJobRun> {
  try {
    return await orFindIt(() => database.transaction((client) => takeJobRun(client, cache, request)));
  } catch (error) {
    // A job that is not there has no row to carry the refusal; the workflow's own failure does.
    if (isRefusal(error)) return { outcome: 'invalid', message: error.message };
    throw error;
  }
}

async function takeGraphRun(
  client: pg.ClientBase,
  cache: GraphCache,
  request: OpenGraphRun,
): Promise<OpenedGraphRun> {
  const events: NewEvent[] = [];
  const opened = await lockAndTakeGraphRun(client, cache, request, events);
  // Last: until the commit nobody else can tell of anything.
  await insertEvents(client, events);
  return opened;
}

/** @param events is given what is to be told of it. */
async function lockAndTakeGraphRun(
  client: pg.ClientBase,
  cache: GraphCache,
  request: OpenGraphRun,
  events: NewEvent[],
): Promise<OpenedGraphRun> {
  const { identity, known } = request;
  const found = await lockGraphRun(client, request);
  if (!found && !known) {
    const made = await insertOutsideGraphRun(client, cache, request);
    events.push(...made.events);
    if (!made.isAdmitted) return { outcome: 'dropped', message: made.why };
  }
  const row = found ?? (await lockGraphRun(client, request));
  if (!row) return lost(`workflow ${identity.workflowId} names a graph run that does not exist`);
  if (row.invalid !== null) return { outcome: 'invalid', message: row.invalid };
  if (row.project !== request.project) return mismatch(row, request.project);
  if (found?.state === 'PENDING') {
    const admitted = await admitAgain(client, row, request);
    events.push(...admitted.events);
    if (!admitted.isAdmitted) return { outcome: 'dropped', message: admitted.why };
  }
  const { continuedFrom, actor } = request;
  if (continuedFrom !== undefined) await handOver(client, { identity, continuedFrom, actor });
  const refusal = await takeTask(client, 'graph_run', row, known?.epoch ?? row.epoch, request);
  if (refusal) return refusal;
  await client.query(
    `UPDATE graph_run SET state = 'RUNNING', reason = NULL, error = NULL, started_at = coalesce(started_at, now()),
       first_execution_run_id = coalesce(first_execution_run_id, $2), updated_by = $3
     WHERE id = $1 AND state = 'PENDING'`,
    [row.id, identity.firstExecutionRunId, request.actor],
  );
  const event = {
    type: 'graph_run',
    project: row.project,
    graphRunId: row.id,
    state: 'RUNNING',
    epoch: row.epoch,
  } as const;
  if (row.state === 'PENDING') events.push({ ...event, actor: request.actor });
  const graph = await cache.load(client, row.project_id, row.version);
  const plan = planRun(graph, row.selective ? row.select : null);
  return {
    outcome: 'opened',
    graphRunId: row.id,
    projectId: row.project_id,
    project: row.project,
    version: row.version,
    plan,
    ...(await readKept(client, row.id, plan)),
    ...(await readAsked(client, row.id, plan)),
    ...knownPauseOf(row),
  };
}

/** It has waited for a worker since the watch made its row: another time may have come, or its own run. */
async function admitAgain(
  client: pg.ClientBase,
  { id, project, slotted }: GraphRunRow,
  { scheduled, identity, actor }: OpenGraphRun,
): Promise<MadeOutside> {
  if (!scheduled) return { isAdmitted: true, events: [] };
  const fired = { project, fired: scheduled, identity, graphRunId: id, actor };
  if (!slotted) {
    await noteBegun(client, fired);
    return { isAdmitted: true, events: [] };
  }
  const admitted = await admitFired(client, fired);
  if (!admitted.isAdmitted) {
    await client.query('DELETE FROM graph_run WHERE id = $1', [id]);
    return dropped(admitted);
  }
  const { scheduledAt } = admitted.schedule;
  await client.query('UPDATE graph_run SET scheduled_at = $2 WHERE id = $1 AND scheduled_at <> $2', [
    id,
    scheduledAt,
  ]);
  return { isAdmitted: true, events: admitted.events };
}

async function takeJobRun(
  client: pg.ClientBase,
  cache: GraphCache,
  request: OpenJobRun,
): Promise<OpenedJobRun> {
  const events: NewEvent[] = [];
  const opened = await lockAndTakeJobRun(client, cache, request, events);
  await insertEvents(client, events);
  return opened;
}

async function lockAndTakeJobRun(
  client: pg.ClientBase,
  cache: GraphCache,
  request: OpenJobRun,
  events: NewEvent[],
): Promise<OpenedJobRun> {
  const { identity, known } = request;
  const found = await lockJobRun(client, request);
  if (!found && !known) events.push(...(await insertOutsideJobRun(client, cache, request)));
  const row = found ?? (await lockJobRun(client, request));
  if (!row) return lost(`workflow ${identity.workflowId} names a job run that does not exist`);
  if (row.project !== request.project || row.job !== request.job) {
    return mismatch(row, `${request.project}/${request.job}`);
  }
  const refusal = await takeTask(client, 'job_run', row, known?.epoch ?? row.epoch, request);
  if (refusal) return refusal;
  await client.query(
    'UPDATE job_run SET first_execution_run_id = coalesce(first_execution_run_id, $2) WHERE id = $1',
    [row.id, identity.firstExecutionRunId],
  );
  const graph = await cache.load(client, row.project_id, row.version);
  const job = graph.jobs.find((candidate) => candidate.key === request.job);
  if (!job) throw unknownJob(row.project, request.job);
  const { id: jobRunId, project_id: projectId, project, version } = row;
  return { outcome: 'opened', jobRunId, projectId, project, version, rules: job.rules };
}

/** Makes this execution the run's open Task; answers with why not, when it may not be. */
async function takeTask(
  client: pg.ClientBase,
  subject: 'graph_run' | 'job_run',
  row: RunRow,
  epoch: number,
  request: { readonly identity: WorkflowIdentity; readonly actor: string },
): Promise<NotOpened | undefined> {
  const { workflowId, runId, firstExecutionRunId } = request.identity;
  const found = await client.query<{ run_id: string; closed_at: Date | null }>(
    `SELECT run_id, closed_at FROM task WHERE ${subject}_id = $1 AND (run_id = $2 OR closed_at IS NULL)`,
    [row.id, runId],
  );
  const own = found.rows.find((task) => task.run_id === runId);
  if (own && own.closed_at === null) return undefined;
  if (own || isFinal(row.state)) return lost(`run ${row.id} has ended already, as ${row.state}`);
  if (epoch !== row.epoch)
    return lost(`run ${row.id} is at epoch ${row.epoch}; this execution is of epoch ${epoch}`);
  const other = found.rows[0];
  if (other) return lost(`run ${row.id} is carried out by the execution ${other.run_id}`);
  await client.query(
    `INSERT INTO task (run_id, workflow_id, first_execution_run_id, ${subject}_id, epoch, opened_by)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [runId, workflowId, firstExecutionRunId, row.id, row.epoch, request.actor],
  );
  return undefined;
}

const graphRunColumns = `r.id, r.project_id, r.project_name AS project, r.version, r.state, r.epoch, r."select", r.selective,
  r.is_slot AS slotted, ${pauseFacts}, CASE r.reason WHEN 'invalid' THEN r.error ->> 'message' END AS invalid`;

async function lockGraphRun(client: pg.ClientBase, request: OpenGraphRun): Promise<GraphRunRow | undefined> {
  const { identity, known } = request;
  const sql = known
    ? [`r.id = $1`, [known.graphRunId]]
    : [
        `r.workflow_id = $1 AND r.first_execution_run_id = $2`,
        [identity.workflowId, identity.firstExecutionRunId],
      ];
  const found = await client.query<GraphRunRow>(
    `SELECT ${graphRunColumns} FROM graph_run r WHERE ${sql[0]} FOR UPDATE`,
    sql[1] as string[],
  );
  return found.rows[0];
}

async function lockJobRun(client: pg.ClientBase, request: OpenJobRun): Promise<JobRunRow | undefined> {
  const { identity, known } = request;
  const found = await client.query<JobRunRow>(
    `SELECT r.id, r.project_id, p.name AS project, r.version, r.state, r.epoch, j.key AS job
     FROM job_run r JOIN project p ON p.id = r.project_id JOIN job j ON j.id = r.job_id
     WHERE r.graph_run_id IS NULL
       AND (r.id = $1 OR ($1::uuid IS NULL AND r.workflow_id = $2 AND r.first_execution_run_id = $3))
     FOR UPDATE OF r`,
    [known?.jobRunId ?? null, identity.workflowId, identity.firstExecutionRunId],
  );
  return found.rows[0];
}

function mismatch(row: RunRow, named: string): NotOpened {
  return { outcome: 'invalid', message: `run ${row.id} is not one of ${named}, which the input names` };
}

function lost(message: string): NotOpened {
  return { outcome: 'lost', message };
}
