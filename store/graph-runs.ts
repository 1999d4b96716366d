import { CodedError } from '../graph/errors.ts';
import { limits } from '../graph/limits.ts';
import { type PendingReason, pendingReasons } from '../graph/pending.ts';
import { makePlan } from '../graph/plan.ts';
import type { GraphRunDetail, GraphRunView } from '../graph/resources.ts';
import { graphRunWorkflowId } from '../graph/workflow-ids.ts';
import type { Database } from './database.ts';
import type { GraphCache } from './graph-cache.ts';
import { answerOnce } from './idempotency.ts';
import { isId, newId } from './ids.ts';
import { createTurns } from './in-turn.ts';
import { completeParams, insertGraphRun, pinGraph, planRun } from './new-runs.ts';
import { cutPage, decodeCursor, encodeCursor } from './pages.ts';
import {
  type GraphRunRow,
  type JobRunViewRow,
  jobRunViewColumns,
  selectGraphRun,
  toGraphRunView,
  toJobRunView,
} from './run-views.ts';
import type {
  GraphRunFilter,
  GraphRuns,
  Graphs,
  NewGraphRun,
  Once,
  PageRequest,
  RunToStart,
} from './store.ts';
import { readTasks } from './tasks.ts';
import { startedHere } from './unopened-runs.ts';

/** Triggers of one project lock it one after the other anyway; one that is not done soon is better asked for again. */
const triggers = { atOnce: 2, waitMaxMs: 5_000 };

export function createGraphRuns(database: Database, graphs: Graphs, cache: GraphCache): GraphRuns {
  const inTurn = createTurns(triggers);
  return {
    create: (run, once) => inTurn(run.project, () => createGraphRun(database, cache, run, once)),
    list: (filter, page) => listGraphRuns(database, filter, page),
    get: (id) => readGraphRun(database, graphs, id),
    unstarted: async (olderThan, most) => {
      const found = await database.pool.query<RunToStart>(
        `SELECT id, "workflowId", project FROM (
           SELECT r.id, r.workflow_id AS "workflowId", r.project_name AS project, r.created_at,
             row_number() OVER (PARTITION BY r.project_id ORDER BY r.created_at, r.id) AS round
           FROM graph_run r
           WHERE r.is_waiting AND r.first_execution_run_id IS NULL AND (${startedHere} OR r.epoch > 1)
             AND (r.created_at < $1 OR r.origin = 'after')
             AND NOT EXISTS (SELECT FROM task t WHERE t.graph_run_id = r.id AND t.epoch = r.epoch)
         ) unstarted ORDER BY round, created_at, id LIMIT $2`,
        [olderThan, most],
      );
      return found.rows;
    },
  };
}

async function createGraphRun(
  database: Database,
  cache: GraphCache,
  run: NewGraphRun,
  once: Once<GraphRunView> | undefined,
): Promise<GraphRunView> {
  const id = newId();
  const workflowId = graphRunWorkflowId(id, 1);
  const { project, select, actor, schedule } = run;
  return database.transaction((client) =>
    answerOnce(client, once, async () => {
      const pinned = await pinGraph(client, cache, project, 'FOR NO KEY UPDATE');
      const params = completeParams(pinned.graph, run.params);
      const plan = planRun(pinned.graph, select);
      const row = { id, workflowId, firstExecutionRunId: null, project, pinned, plan, params, select, actor };
      const inserted = await insertGraphRun(client, { ...row, origin: 'api', ...schedule });
      return { made: inserted.run, events: [inserted.event] };
    }),
  );
}

async function listGraphRuns(database: Database, filter: GraphRunFilter, page: PageRequest) {
  const cursor = decodeCursor(page);
  const sql = `${selectGraphRun}
    WHERE ($2::text IS NULL OR r.project_id = (SELECT id FROM project WHERE name = $2)
           OR (r.project_id IS NULL AND r.project_name = $2))
      AND ($3::run_state IS NULL OR r.state = $3)
      AND ($6::uuid IS NULL OR r.backfill_id = $6)
      AND ($4::timestamptz IS NULL OR (r.created_at, r.id) < ($4::timestamptz, $5::uuid))
    ORDER BY r.created_at DESC, r.id DESC LIMIT $1`;
  const found = await database.pool.query<GraphRunRow>(sql, [
    page.limit + 1,
    filter.project ?? null,
    filter.state ?? null,
    cursor?.createdAt ?? null,
    cursor?.id ?? null,
    filter.backfill ?? null,
  ]);
  const cursorOf = (row: GraphRunRow) => encodeCursor({ createdAt: row.created_at, id: row.id });
  return cutPage(found.rows, page.limit, toGraphRunView, cursorOf);
}

async function readGraphRun(database: Database, graphs: Graphs, id: string): Promise<GraphRunDetail> {
  if (!isId(id)) throw unknownGraphRun(id);
  const { runs, jobRuns, tasks } = await database.snapshot(async (client) => ({
    runs: await client.query<GraphRunRow>(`${selectGraphRun} WHERE r.id = $1`, [id]),
    jobRuns: await client.query<JobRunViewRow>(
      `SELECT ${jobRunViewColumns} FROM job_run r JOIN job j ON j.id = r.job_id JOIN project p ON p.id = r.project_id
       WHERE r.graph_run_id = $1 ORDER BY r.place`,
      [id],
    ),
    tasks: await readTasks(client, { graphRunId: id }),
  }));
  const run = runs.rows[0];
  if (!run) throw unknownGraphRun(id);
  const waits = jobRuns.rows.some((row) => row.state === 'PENDING');
  const keys = jobRuns.rows.map(({ job }) => job);
  const reasons =
    waits && run.project_id !== null && run.version !== null
      ? await reasonsOf(graphs, run.project_id, run.version, jobRuns.rows, run.paused_at !== null)
      : null;
  return {
    ...toGraphRunView(run),
    jobRuns: jobRuns.rows.map((row) => toJobRunView(row, reasons?.get(row.job) ?? null)),
    droppedJobs: await findDropped(graphs, run, keys),
    tasks,
  };
}

/** Only a resume on a later graph drops jobs. */
async function findDropped(
  graphs: Pick<Graphs, 'load'>,
  { project_id: projectId, version, epoch }: GraphRunRow,
  keys: readonly string[],
): Promise<string[]> {
  if (epoch === 1 || projectId === null || version === null || version === 1) return [];
  const { jobs } = await graphs.load(projectId, version);
  const known = new Set(jobs.map(({ key }) => key));
  return keys.filter((key) => !known.has(key));
}

/** Why the jobs of a run that have no stored reason wait. */
export async function reasonsOf(
  graphs: Pick<Graphs, 'load'>,
  projectId: string,
  version: number,
  rows: readonly Pick<JobRunViewRow, 'job' | 'state' | 'reason' | 'hasSlots'>[],
  isPaused: boolean,
): Promise<Map<string, PendingReason>> {
  const graph = await graphs.load(projectId, version);
  const stored = new Map(rows.map((row) => [row.job, row]));
  const pace = { jobsInFlightMax: limits.jobsInFlightDefault, isPaused };
  return pendingReasons(makePlan(graph, new Set(stored.keys())), stored, pace);
}

export function unknownGraphRun(id: string): CodedError {
  return new CodedError('GRAPH_RUN_UNKNOWN', `There is no graph run ${id.slice(0, 100)}.`);
}
