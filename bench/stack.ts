import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import type { Client as GraphrunClient } from '../client/index.ts';
import { type BenchApiOptions, startApi } from './api.ts';
import type { ServerVersions } from './environment.ts';
import { pushGraph } from './push-graph.ts';
import { serverCpuMs } from './server-cpu.ts';
import { type Servers, type ServersOptions, startServers, withPlace } from './servers.ts';
import { settings } from './settings.ts';
import type { Shape } from './shapes.ts';
import { countSql } from './sql-counts.ts';
import { type UsageNow, usageNow, usageOfThisProcess } from './usage.ts';
import { askWorker, type WorkerAnswers } from './worker-answers.ts';

/** All that a benchmark works with: servers of its own, a worker process, and the API in this process. */
export interface Stack {
  /** Speaks real HTTP to the API. */
  readonly api: GraphrunClient;
  readonly client: Client;
  readonly bareTaskQueue: string;
  readonly versions: ServerVersions;
  /** The project of a shape's nth run: each of those at once has its own, since a project limits its open runs. */
  projectOf(shape: Shape, index: number): string;
  /** Pushes the graph of a shape to its projects. */
  push(shape: Shape): Promise<void>;
  usage(): Promise<UsageNow>;
  workerMemory(): Promise<WorkerAnswers['memory']>;
  /** When the last of the graph runs was ended: the commit of its row, in milliseconds of the wall clock. */
  committedAt(graphRunIds: readonly string[]): Promise<number>;
  /** Runs of a project's schedules, and when each was RUNNING: the commit of that event. */
  scheduledRuns(project: string): Promise<ScheduledRun[]>;
}

export interface ScheduledRun {
  readonly workflowId: string;
  /** Both in milliseconds of the wall clock. */
  readonly scheduledAt: number;
  readonly runningAt: number;
  readonly isEnded: boolean;
}

export type StackOptions = ServersOptions & Pick<BenchApiOptions, 'watches' | 'onWatchError'>;

/** Starts everything, hands it to `use`, and leaves nothing behind. */
export function withStack<T>(options: StackOptions, use: (stack: Stack) => Promise<T>): Promise<T> {
  return withPlace(async (place) => withApi(await startServers(place, options), options, use));
}

async function withApi<T>(
  servers: Servers,
  { watches, onWatchError }: StackOptions,
  use: (stack: Stack) => Promise<T>,
): Promise<T> {
  const { databaseUrl, temporalAddress: address } = servers;
  const sqlCounts = countSql();
  const api = await startApi({ ...servers, watches, onWatchError });
  const connection = await Connection.connect({ address });
  // Used between the samples only.
  const sql = new pg.Client({ connectionString: databaseUrl });
  sql.on('error', () => {});
  await sql.connect();
  const { serverVersion } = await connection.workflowService.getSystemInfo({});
  const shown = await sql.query<{ server_version: string }>('SHOW server_version');
  const { child } = servers.worker;
  try {
    return await use({
      api: api.client,
      client: new Client({ connection }),
      bareTaskQueue: settings.bareTaskQueue,
      versions: { postgres: shown.rows[0]?.server_version ?? '', temporal: serverVersion },
      projectOf,
      push: async (shape) => {
        for (let index = 0; index < shape.runs; index += 1)
          await pushGraph(api.client, projectOf(shape, index), shape.parents);
      },
      usage: async () =>
        usageNow({
          worker: await askWorker(child, 'usage'),
          api: usageOfThisProcess(sqlCounts()),
          postgresCpuMs: serverCpuMs(servers.pids.postgres),
          temporalCpuMs: serverCpuMs(servers.pids.temporal),
        }),
      workerMemory: () => askWorker(child, 'memory'),
      committedAt: (graphRunIds) => committedAt(sql, graphRunIds),
      scheduledRuns: (project) => scheduledRuns(sql, project),
    });
  } finally {
    await api.close();
    await Promise.all([sql.end(), connection.close()]);
  }
}

function projectOf(shape: Shape, index: number): string {
  return `${shape.name}-${index}`;
}

async function committedAt(sql: pg.Client, ids: readonly string[]): Promise<number> {
  const found = await sql.query<{ ended: number; at: Date }>(
    `SELECT count(*)::int AS ended, max(pg_xact_commit_timestamp(xmin)) AS at
     FROM graph_run WHERE id = ANY ($1::uuid[]) AND state = 'SUCCESS'`,
    [ids],
  );
  const row = found.rows[0];
  // Their workflows have ended, and the rows are to be there before that.
  if (row?.ended !== ids.length) throw new Error(`${row?.ended} of ${ids.length} graph runs are SUCCESS`);
  return row.at.getTime();
}

async function scheduledRuns(sql: pg.Client, project: string): Promise<ScheduledRun[]> {
  const found = await sql.query<{ workflow_id: string; scheduled_at: Date; running_at: Date; state: string }>(
    `SELECT r.workflow_id, r.scheduled_at, pg_xact_commit_timestamp(e.xmin) AS running_at, r.state
     FROM graph_run r JOIN event e ON e.graph_run_id = r.id AND e.job_run_id IS NULL AND e.state = 'RUNNING'
     WHERE r.project_name = $1 AND r.is_slot ORDER BY r.scheduled_at`,
    [project],
  );
  return found.rows.map((row) => ({
    workflowId: row.workflow_id,
    scheduledAt: row.scheduled_at.getTime(),
    runningAt: row.running_at.getTime(),
    isEnded: row.state === 'SUCCESS',
  }));
}
