import type pg from 'pg';
import { CodedError, type Problem } from '../graph/errors.ts';
import type { Graph, Params } from '../graph/graph.ts';
import { fillParams } from '../graph/params.ts';
import { makePlan, type Plan, rulesAt } from '../graph/plan.ts';
import type { GraphRunView, JobRunView } from '../graph/resources.ts';
import { defaultMaxOpenRuns } from '../graph/rules.ts';
import { selectJobs } from '../graph/selection.ts';
import type { NewEvent } from './events.ts';
import type { GraphCache } from './graph-cache.ts';
import { unknownGraph } from './graphs.ts';
import { jobRunIdOf } from './ids.ts';
import { unknownProject } from './projects.ts';
import { isFull } from './run-line.ts';
import {
  type GraphRunRow,
  graphRunColumns,
  type JobRunViewRow,
  jobRunViewColumns,
  toGraphRunView,
  toJobRunView,
} from './run-views.ts';

/** The graph that a new run is pinned to. */
export interface PinnedGraph {
  readonly projectId: string;
  readonly version: number;
  readonly graph: Graph;
}

export type Origin = GraphRunView['origin'];

/** @throws CodedError PROJECT_UNKNOWN, GRAPH_UNKNOWN */
export async function pinGraph(
  client: pg.ClientBase,
  cache: GraphCache,
  project: string,
  /** Of the project's row. Shared: a delete of it waits until the run is there, and then refuses. */
  lock: 'FOR SHARE' | 'FOR NO KEY UPDATE' = 'FOR SHARE',
): Promise<PinnedGraph> {
  const found = await client.query<{ id: string; version: number | null }>(
    `SELECT id, current_version AS version FROM project WHERE name = $1 ${lock}`,
    [project],
  );
  const [row] = found.rows;
  if (!row) throw unknownProject(project);
  const { id: projectId, version } = row;
  if (version === null) throw unknownGraph(project);
  return { projectId, version, graph: await cache.load(client, projectId, version) };
}

/** @throws CodedError SELECTION_INVALID */
export function planRun(graph: Graph, select: readonly string[] | null): Plan {
  const known = select === null ? wholePlans.get(graph) : undefined;
  if (known) return known;
  const selection = selectJobs(graph, select);
  if (!selection.ok) throw refused('SELECTION_INVALID', 'The selection cannot be run', selection.problems);
  const plan = makePlan(graph, selection.keys);
  if (select === null) wholePlans.set(graph, plan);
  return plan;
}

/** Plans of whole graphs, which most runs are of, for as long as the graph is kept. */
const wholePlans = new WeakMap<Graph, Plan>();

/** What a run is given, with the defaults of the rest. @throws CodedError PARAMS_INVALID */
export function completeParams(graph: Graph, given: Params): Params {
  const filled = fillParams(graph, given);
  if (filled.ok) return filled.params;
  throw refused('PARAMS_INVALID', 'The parameters cannot be used', filled.problems);
}

export interface GraphRunToInsert {
  readonly id: string;
  readonly workflowId: string;
  readonly firstExecutionRunId: string | null;
  readonly project: string;
  readonly pinned: PinnedGraph;
  readonly plan: Plan;
  readonly params: Params;
  readonly select: readonly string[] | null;
  readonly origin: Origin;
  /** The run that it follows. */
  readonly afterRunId?: string;
  readonly scheduleId?: string | null;
  readonly scheduledAt?: Date | null;
  readonly isSlot?: boolean;
  readonly backfillId?: string;
  readonly actor: string;
}

/** Its row comes before its workflow. */
const isStartedHere: Readonly<Record<Origin, boolean>> = {
  ...{ api: true, after: true, backfill: true },
  ...{ temporal: false, schedule: false },
};

/** A run as it was created. The event is for the caller to add as its transaction's last statement. */
export interface Inserted<View> {
  readonly run: View;
  readonly event: NewEvent;
}

/**
 * The run and a JobRun for each job that is not merely passed through, all PENDING. One that is started here waits while as many are open as may be, and its project is locked for that; one that was started outside has its workflow already, and is counted.
 */
export async function insertGraphRun(
  client: pg.ClientBase,
  run: GraphRunToInsert,
): Promise<Inserted<GraphRunView>> {
  const inserted = await client.query<Omit<GraphRunRow, keyof typeof noneYet | 'pending'>>(
    `WITH line AS (
       SELECT $13::int IS NOT NULL AND ${isFull({ project: '$2::uuid', limit: '$13::int' })} AS is_full
     ), noted AS (
       UPDATE project SET has_line = true FROM line WHERE id = $2::uuid AND NOT has_line AND line.is_full
     )
     INSERT INTO graph_run AS r (id, project_id, project_name, version, params, "select", selective, origin, workflow_id,
                            first_execution_run_id, after_run_id, created_by, updated_by, reason, line_number,
                            schedule_id, scheduled_at, is_slot, backfill_id)
     SELECT $1::uuid, $2::uuid, $3::text, $4::int, $5::jsonb, $6::text[], $7::bool, $8::run_origin, $9::text, $10::text, $11::uuid, $12::text,
       $12::text, CASE WHEN is_full THEN 'slot' END, CASE WHEN is_full THEN nextval('line_number') END,
       $14::uuid, $15::timestamptz, $16::bool, $17::uuid
     FROM line
     RETURNING ${graphRunColumns}`,
    [
      run.id,
      run.pinned.projectId,
      run.project,
      run.pinned.version,
      JSON.stringify(run.params),
      run.select ?? [],
      run.select !== null,
      run.origin,
      run.workflowId,
      run.firstExecutionRunId,
      run.afterRunId ?? null,
      run.actor,
      isStartedHere[run.origin] ? (run.pinned.graph.maxOpenRuns ?? defaultMaxOpenRuns) : null,
      run.scheduleId ?? null,
      run.scheduledAt ?? null,
      run.isSlot ?? false,
      run.backfillId ?? null,
    ],
  );
  const passing = new Set(run.plan.passing);
  const places = run.plan.keys.flatMap((_, place) => (passing.has(place) ? [] : [place]));
  await insertJobRuns(client, { ...run, ...run.pinned }, places, 1);
  const event = { type: 'graph_run', project: run.project, graphRunId: run.id, actor: run.actor } as const;
  const [row] = inserted.rows;
  if (!row) throw new Error(`graph run ${run.id} was not inserted`);
  return {
    run: toGraphRunView({ ...row, ...noneYet, pending: places.length }),
    event: { ...event, state: 'PENDING', reason: row.reason, epoch: 1 },
  };
}

/** JobRuns of the jobs at some places of the plan, all PENDING. */
export async function insertJobRuns(
  client: pg.ClientBase,
  run: Pick<GraphRunToInsert, 'id' | 'plan' | 'origin' | 'actor'> &
    Pick<PinnedGraph, 'projectId' | 'version'>,
  places: readonly number[],
  epoch: number,
): Promise<void> {
  const keys = places.map((place) => run.plan.keys[place] as string);
  if (keys.length === 0) return;
  await client.query(
    `INSERT INTO job_run (id, project_id, job_id, kind, graph_run_id, version, place, epoch, origin, created_by, updated_by)
     SELECT r.id, $1, j.id, r.kind, $2, $3, r.place, $10, $4, $5, $5
     FROM unnest($6::uuid[], $7::text[], $8::int[], $9::text[]) AS r (id, key, place, kind)
     JOIN job j ON j.project_id = $1 AND j.key = r.key`,
    [
      run.projectId,
      run.id,
      run.version,
      run.origin,
      run.actor,
      keys.map((key) => jobRunIdOf(run.id, key)),
      keys,
      places,
      places.map((place) => rulesAt(run.plan, place).kind),
      epoch,
    ],
  );
}

const noneYet = { running: 0, failed: 0, success: 0 } as const;

export interface LoneJobRunToInsert {
  readonly id: string;
  readonly workflowId: string;
  readonly firstExecutionRunId: string | null;
  readonly project: string;
  readonly job: string;
  /** As they were given: its defaults are filled in. */
  readonly params: Params;
  readonly pinned: PinnedGraph;
  readonly origin: Origin;
  readonly actor: string;
}

/** @throws CodedError JOB_UNKNOWN, PARAMS_INVALID */
export async function insertLoneJobRun(
  client: pg.ClientBase,
  run: LoneJobRunToInsert,
): Promise<Inserted<JobRunView & { readonly params: Params }>> {
  const job = run.pinned.graph.jobs.find(({ key }) => key === run.job);
  if (!job) throw unknownJob(run.project, run.job);
  const params = completeParams(run.pinned.graph, run.params);
  const inserted = await client.query<JobRunViewRow>(
    `WITH r AS (
       INSERT INTO job_run (id, project_id, job_id, kind, version, origin, workflow_id, first_execution_run_id,
                            created_by, updated_by, params)
       SELECT $1, $2, j.id, $4, $5, $6, $7, $8, $9, $9, $10 FROM job j WHERE j.project_id = $2 AND j.key = $3
       RETURNING *
     )
     SELECT ${jobRunViewColumns} FROM r JOIN job j ON j.id = r.job_id JOIN project p ON p.id = r.project_id`,
    [
      run.id,
      run.pinned.projectId,
      run.job,
      job.rules.kind,
      run.pinned.version,
      run.origin,
      run.workflowId,
      run.firstExecutionRunId,
      run.actor,
      JSON.stringify(params),
    ],
  );
  const [row] = inserted.rows;
  if (!row) throw new Error(`job run ${run.id} was not inserted`);
  const event = { type: 'job_run', project: run.project, jobRunId: run.id, job: run.job } as const;
  return {
    run: { ...toJobRunView(row, 'queued'), params },
    event: { ...event, state: 'PENDING', epoch: 1, actor: run.actor },
  };
}

export function unknownJob(project: string, job: string): CodedError {
  return new CodedError('JOB_UNKNOWN', `Project "${project}" has no job "${job}" in its current graph.`);
}

export function refused(
  code: 'SELECTION_INVALID' | 'PARAMS_INVALID',
  what: string,
  problems: readonly Problem[],
): CodedError {
  const isParams = code === 'PARAMS_INVALID';
  const list = problems.map(({ path, message }) => (isParams ? `${path}: ${message}` : message)).join('; ');
  return new CodedError(code, `${what}: ${list}.`, { problems });
}
