import type pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import type { JobRunDetail } from '../graph/resources.ts';
import { jobRunWorkflowId } from '../graph/workflow-ids.ts';
import type { Database } from './database.ts';
import type { GraphCache } from './graph-cache.ts';
import { reasonsOf } from './graph-runs.ts';
import { answerOnce } from './idempotency.ts';
import { isId, newId } from './ids.ts';
import { insertLoneJobRun, pinGraph, unknownJob } from './new-runs.ts';
import { cutPage, decodeCursor, encodeCursor } from './pages.ts';
import { projectIdOf } from './projects.ts';
import {
  type AttemptRow,
  type JobRunViewRow,
  jobRunHasSlots,
  jobRunReason,
  jobRunViewColumns,
  type MarkColumns,
  markColumns,
  toAttemptView,
  toJobRunView,
  toMark,
  toMarkOutput,
} from './run-views.ts';
import type { CreatedJobRun, Graphs, JobRuns, NewJobRun, Once, PageRequest, RunToStart } from './store.ts';
import { readTasks } from './tasks.ts';

interface DetailRow extends JobRunViewRow, MarkColumns {
  readonly project_id: string;
  readonly version: number;
  readonly params: JobRunDetail['params'];
  readonly output: string | null;
  readonly output_bytes: number | null;
}

const fromJobRun = 'FROM job_run r JOIN job j ON j.id = r.job_id JOIN project p ON p.id = r.project_id';

export function createJobRuns(database: Database, graphs: Graphs, cache: GraphCache): JobRuns {
  return {
    create: (run, once) => createJobRun(database, cache, run, once),
    get: (id) => database.snapshot((client) => readJobRun(client, graphs, id)),
    attempts: async (id) => {
      if (!isId(id)) throw unknownJobRun(id);
      const found = await database.pool.query<AttemptRow & { known: boolean }>(
        `SELECT a.number, a.epoch, a.state, a.reason, a.error, a.worker, a.started_at, a.completed_at
         FROM job_run r LEFT JOIN attempt a ON a.job_run_id = r.id WHERE r.id = $1 ORDER BY a.number`,
        [id],
      );
      if (found.rows.length === 0) throw unknownJobRun(id);
      return found.rows.filter((row) => row.number !== null).map(toAttemptView);
    },
    listOfJob: (project, job, page) => listOfJob(database, project, job, page),
    unstarted: async (olderThan, most) => {
      const found = await database.pool.query<RunToStart & { job: string }>(
        `SELECT id, "workflowId", project, job FROM (
           SELECT r.id, r.workflow_id AS "workflowId", p.name AS project, j.key AS job, r.created_at,
             row_number() OVER (PARTITION BY r.project_id ORDER BY r.created_at, r.id) AS round ${fromJobRun}
           WHERE r.is_waiting_alone AND r.first_execution_run_id IS NULL AND (r.origin = 'api' OR r.epoch > 1)
             AND r.created_at < $1
             AND NOT EXISTS (SELECT FROM task t WHERE t.job_run_id = r.id AND t.epoch = r.epoch)
         ) unstarted ORDER BY round, created_at, id LIMIT $2`,
        [olderThan, most],
      );
      return found.rows;
    },
  };
}

const asCreated = { output: null, outputBytes: null, mark: null, markOutput: null, tasks: [] };

async function createJobRun(
  database: Database,
  cache: GraphCache,
  { project, job, params = {}, actor }: NewJobRun,
  once: Once<CreatedJobRun> | undefined,
): Promise<CreatedJobRun> {
  const id = newId();
  const workflowId = jobRunWorkflowId(id, 1);
  return database.transaction((client) =>
    answerOnce(client, once, async () => {
      const pinned = await pinGraph(client, cache, project);
      const row = { id, workflowId, firstExecutionRunId: null, project, job, params, pinned, actor };
      const inserted = await insertLoneJobRun(client, { ...row, origin: 'api' });
      const made = { ...inserted.run, ...asCreated, workflowId };
      return { made, events: [inserted.event] };
    }),
  );
}

/** In a snapshot or a transaction. @throws CodedError JOB_RUN_UNKNOWN */
export async function readJobRun(
  client: pg.ClientBase,
  graphs: Pick<Graphs, 'load'>,
  id: string,
): Promise<JobRunDetail> {
  if (!isId(id)) throw unknownJobRun(id);
  const found = await client.query<DetailRow>(
    `SELECT ${jobRunViewColumns}, r.project_id, r.version, r.params, r.output, r.output_bytes, ${markColumns}
     ${fromJobRun} WHERE r.id = $1`,
    [id],
  );
  const [row] = found.rows;
  if (!row) throw unknownJobRun(id);
  const { graph_run_id: graphRunId } = row;
  const tasks = await readTasks(client, graphRunId === null ? { jobRunId: id } : { graphRunId });
  return {
    ...toJobRunView(row, await pendingReasonOf(client, graphs, row)),
    params: row.params,
    output: row.output === null ? null : (JSON.parse(row.output) as unknown),
    outputBytes: row.output_bytes,
    mark: toMark(row),
    markOutput: toMarkOutput(row),
    tasks,
  };
}

async function pendingReasonOf(client: pg.ClientBase, graphs: Pick<Graphs, 'load'>, row: DetailRow) {
  if (row.state !== 'PENDING' || row.reason !== null) return null;
  if (row.graph_run_id === null) return 'queued';
  const siblings = await client.query<
    Pick<JobRunViewRow, 'job' | 'state' | 'reason' | 'hasSlots'> & { readonly isPaused: boolean }
  >(
    `SELECT j.key AS job, r.state, ${jobRunReason} AS reason, ${jobRunHasSlots} AS "hasSlots", g.paused_at IS NOT NULL AS "isPaused"
     FROM job_run r JOIN job j ON j.id = r.job_id JOIN graph_run g ON g.id = r.graph_run_id WHERE r.graph_run_id = $1`,
    [row.graph_run_id],
  );
  const isPaused = siblings.rows[0]?.isPaused ?? false;
  return (await reasonsOf(graphs, row.project_id, row.version, siblings.rows, isPaused)).get(row.job) ?? null;
}

async function listOfJob(database: Database, project: string, job: string, page: PageRequest) {
  const projectId = await projectIdOf(database, project);
  const known = await database.prisma.job.findUnique({ where: { projectId_key: { projectId, key: job } } });
  if (!known) throw unknownJob(project, job);
  const cursor = decodeCursor(page);
  const found = await database.pool.query<JobRunViewRow>(
    `SELECT ${jobRunViewColumns} ${fromJobRun}
     WHERE r.job_id = $2 AND ($3::timestamptz IS NULL OR (r.created_at, r.id) < ($3::timestamptz, $4::uuid))
     ORDER BY r.created_at DESC, r.id DESC LIMIT $1`,
    [page.limit + 1, known.id, cursor?.createdAt ?? null, cursor?.id ?? null],
  );
  const cursorOf = (row: JobRunViewRow) => encodeCursor({ createdAt: row.created_at, id: row.id });
  return cutPage(found.rows, page.limit, (row) => toJobRunView(row), cursorOf);
}

export function unknownJobRun(id: string): CodedError {
  return new CodedError('JOB_RUN_UNKNOWN', `There is no job run ${id.slice(0, 100)}.`);
}
