// All that is stored of one run, as verify and explain compare it with Temporal: the rows of one moment.
import type pg from 'pg';
import type { Database } from './database.ts';
import { reasonsOf, unknownGraphRun } from './graph-runs.ts';
import { isId } from './ids.ts';
import { unknownJobRun } from './job-runs.ts';
import { readLine } from './run-line.ts';
import {
  type GraphRunRow,
  type JobRunViewRow,
  jobRunViewColumns,
  selectGraphRun,
  toCancelRequest,
  toGraphRunView,
  toJobRunView,
} from './run-views.ts';
import { readSlotWaits, type SlotWait } from './slot-waits.ts';
import type { AttemptFacts, Graphs, JobFacts, RunFacts } from './store.ts';
import { readTasks } from './tasks.ts';

interface JobRow extends JobRunViewRow {
  readonly project_id: string;
  readonly version: number;
  readonly output_hash: string | null;
  readonly workflow_id: string | null;
}

const selectJobs = `
  SELECT ${jobRunViewColumns}, r.project_id, r.version, r.output_hash, r.workflow_id
  FROM job_run r JOIN job j ON j.id = r.job_id JOIN project p ON p.id = r.project_id`;

/** @throws CodedError GRAPH_RUN_UNKNOWN */
export async function readGraphRunFacts(database: Database, graphs: Graphs, id: string): Promise<RunFacts> {
  if (!isId(id)) throw unknownGraphRun(id);
  const read = await database.snapshot(async (client) => ({
    runs: (await client.query<GraphRunRow>(`${selectGraphRun} WHERE r.id = $1`, [id])).rows,
    ...(await readJobs(client, `WHERE r.graph_run_id = $1 ORDER BY r.place`, id)),
    attempts: await readAttempts(client, 'r.graph_run_id', id),
    tasks: await readTasks(client, { graphRunId: id }),
    line: await readLine(client, id),
  }));
  const [row] = read.runs;
  if (!row) throw unknownGraphRun(id);
  const { project_id: projectId, version } = row;
  const pinned = projectId === null || version === null ? null : { projectId, version };
  const waits = read.jobs.some((job) => job.state === 'PENDING');
  const reasons =
    pinned && waits
      ? await reasonsOf(graphs, pinned.projectId, pinned.version, read.jobs, row.paused_at !== null)
      : null;
  const { project, state, reason, epoch, error, workflowId, createdAt, cancelRequest, pause } =
    toGraphRunView(row);
  return {
    ...{ type: 'graph_run', id, project, state, reason, epoch, error, workflowId, createdAt, pinned },
    ...{ cancelRequest, pause },
    tasks: read.tasks,
    ...(read.line && { line: read.line }),
    jobs: read.jobs.map((job) => toFacts(job, reasons?.get(job.job) ?? null, read)),
  };
}

/** Of a job that was run alone. @throws CodedError JOB_RUN_UNKNOWN */
export async function readJobRunFacts(database: Database, id: string): Promise<RunFacts> {
  if (!isId(id)) throw unknownJobRun(id);
  const read = await database.snapshot(async (client) => ({
    ...(await readJobs(client, 'WHERE r.id = $1 AND r.graph_run_id IS NULL', id)),
    attempts: await readAttempts(client, 'r.id', id),
    tasks: await readTasks(client, { jobRunId: id }),
  }));
  const [row] = read.jobs;
  if (!row) throw unknownJobRun(id);
  const job = toFacts(row, 'queued', read);
  const { project, state, reason, epoch, error, createdAt } = job;
  return {
    ...{ type: 'job_run', id, project, state, reason, epoch, error, createdAt },
    ...{ cancelRequest: toCancelRequest(row), pause: null },
    workflowId: row.workflow_id ?? '',
    pinned: { projectId: row.project_id, version: row.version },
    tasks: read.tasks,
    jobs: [job],
  };
}

interface Read {
  readonly attempts: ReadonlyMap<string, AttemptFacts[]>;
  readonly slotWaits: ReadonlyMap<string, SlotWait[]>;
}

function toFacts(row: JobRow, pendingReason: JobFacts['reason'], { attempts, slotWaits }: Read): JobFacts {
  const waits = slotWaits.get(row.id);
  return {
    ...toJobRunView(row, pendingReason),
    outputHash: row.output_hash,
    version: row.version,
    executions: attempts.get(row.id) ?? [],
    ...(waits && { slotWaits: waits }),
  };
}

async function readJobs(client: pg.ClientBase, where: string, id: string) {
  const jobs = (await client.query<JobRow>(`${selectJobs} ${where}`, [id])).rows;
  const waiting = jobs.filter(({ reason }) => reason === 'slot').map((job) => job.id);
  return { jobs, slotWaits: await readSlotWaits(client, waiting) };
}

/** Attempts are counted per execution; of their own errors the last two are told, the latest first. */
async function readAttempts(
  client: pg.ClientBase,
  column: 'r.id' | 'r.graph_run_id',
  id: string,
): Promise<Map<string, AttemptFacts[]>> {
  const found = await client.query<AttemptFacts & { jobRunId: string }>(
    `SELECT a.job_run_id AS "jobRunId", a.run_id AS "runId", count(*)::int AS attempts,
            (array_agg(a.state ORDER BY a.number DESC))[1] AS state, (array_agg(a.reason ORDER BY a.number DESC))[1] AS reason,
            (array_agg(CASE WHEN a.reason IN ('error', 'timed_out') THEN a.error ->> 'message' END
                       ORDER BY a.number DESC))[1:2] AS errors
     FROM attempt a JOIN job_run r ON r.id = a.job_run_id WHERE ${column} = $1
     GROUP BY a.job_run_id, a.run_id`,
    [id],
  );
  const byJobRun = new Map<string, AttemptFacts[]>();
  for (const { jobRunId, ...facts } of found.rows) {
    const known = byJobRun.get(jobRunId);
    if (known) known.push(facts);
    else byJobRun.set(jobRunId, [facts]);
  }
  return byJobRun;
}
