import { randomBytes } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { createApp } from '../api/app.ts';
import { createStarter } from '../api/starter.ts';
import { createClient, type Client as GraphrunClient } from '../client/index.ts';
import { makeScratchHome } from '../dev/scratch-home.ts';
import type { Service } from '../dev/service.ts';
import { createKinds } from '../jobs/index.ts';
import { createStore } from '../store/index.ts';
import { noopKind } from './noop.ts';
import { serverCpuMs } from './server-cpu.ts';
import { type Servers, startServers } from './servers.ts';
import { settings } from './settings.ts';
import type { Shape } from './shapes.ts';
import { countSql } from './sql-counts.ts';
import { type ProcessUsage, type UsageNow, usageNow, usageOfThisProcess } from './usage.ts';

/** All that a benchmark works with: servers of its own, a worker process, and the API in this process. */
export interface Stack {
  /** Speaks real HTTP to the API. */
  readonly api: GraphrunClient;
  readonly client: Client;
  readonly bareTaskQueue: string;
  readonly versions: Readonly<Record<'postgres' | 'temporal', string>>;
  /** The project of a shape's nth run: each of those at once has its own, since a project limits its open runs. */
  projectOf(shape: Shape, index: number): string;
  /** Pushes the graph of a shape to its projects. */
  push(shape: Shape): Promise<void>;
  usage(): Promise<UsageNow>;
  /** When the last of the graph runs was ended: the commit of its row, in milliseconds of the wall clock. */
  committedAt(graphRunIds: readonly string[]): Promise<number>;
}

/** Starts everything, hands it to `use`, and leaves nothing behind. */
export async function withStack<T>(
  note: (text: string) => void,
  use: (stack: Stack) => Promise<T>,
): Promise<T> {
  const scratch = await makeScratchHome();
  const started: Service[] = [];
  try {
    const onStart = (service: Service) => started.unshift(service);
    const servers = await startServers({ home: scratch.home, note, onStart });
    return await withApi(servers, use);
  } finally {
    for (const service of started) await service.stop();
    scratch.remove();
  }
}

async function withApi<T>(servers: Servers, use: (stack: Stack) => Promise<T>): Promise<T> {
  const { databaseUrl, temporalAddress: address } = servers;
  const sqlCounts = countSql();
  const store = createStore({ databaseUrl });
  const starter = createStarter({ temporal: { address, namespace: 'default' } });
  const app = await createApp({
    store,
    temporal: starter,
    kinds: createKinds([noopKind]),
    verify: () => Promise.reject(new Error('nothing is verified here')),
  });
  const apiKey = randomBytes(32).toString('base64url');
  await store.apiKeys.ensure({ name: 'bench', role: 'admin', key: apiKey });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const connection = await Connection.connect({ address });
  // Used between the samples only.
  const sql = new pg.Client({ connectionString: databaseUrl });
  sql.on('error', () => {});
  await sql.connect();
  const { serverVersion } = await connection.workflowService.getSystemInfo({});
  const shown = await sql.query<{ server_version: string }>('SHOW server_version');
  const api = createClient({ url, apiKey });
  try {
    return await use({
      api,
      client: new Client({ connection }),
      bareTaskQueue: settings.bareTaskQueue,
      versions: { postgres: shown.rows[0]?.server_version ?? '', temporal: serverVersion },
      projectOf,
      push: (shape) => push(api, shape),
      usage: async () =>
        usageNow({
          worker: await usageOf(servers.worker),
          api: usageOfThisProcess(sqlCounts()),
          postgresCpuMs: serverCpuMs(servers.pids.postgres),
          temporalCpuMs: serverCpuMs(servers.pids.temporal),
        }),
      committedAt: (graphRunIds) => committedAt(sql, graphRunIds),
    });
  } finally {
    await app.close();
    await Promise.all([sql.end(), connection.close(), starter.close(), store.close()]);
  }
}

function projectOf(shape: Shape, index: number): string {
  return `${shape.name}-${index}`;
}

async function push(api: GraphrunClient, shape: Shape): Promise<void> {
  const keyOf = (job: number) => `job_${String(job).padStart(4, '0')}`;
  const jobs = Object.fromEntries(
    shape.parents.map((parents, job) => [keyOf(job), { kind: noopKind.kind, dependsOn: parents.map(keyOf) }]),
  );
  for (let index = 0; index < shape.runs; index += 1) {
    const project = projectOf(shape, index);
    await api.projects.create({ name: project });
    await api.graphs.push(project, { project, jobs });
  }
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

function usageOf({ child }: Servers['worker']): Promise<ProcessUsage> {
  return new Promise((resolve, reject) => {
    child.once('message', (content: { usage: ProcessUsage }) => resolve(content.usage));
    child.send({ type: 'usage' }, (error) => error && reject(error));
  });
}
