import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { ensureDatabase } from '../dev/databases.ts';
import { checkout, type Home } from '../dev/home.ts';
import { migrate } from '../dev/migrate.ts';
import { choosePorts } from '../dev/ports.ts';
import { postgresUrl, startPostgres } from '../dev/postgres.ts';
import { findPostgresBinaries } from '../dev/postgres-binaries.ts';
import { choosePlace } from '../dev/postgres-place.ts';
import { makeScratchHome } from '../dev/scratch-home.ts';
import { loadSecrets } from '../dev/secrets.ts';
import { type Service, type SpawnedService, spawnService, untilReady } from '../dev/service.ts';
import { startTemporal } from '../dev/temporal.ts';
import { ensureTemporalCli } from '../dev/temporal-install.ts';
import { workerNodeFlags } from '../worker/node-flags.ts';
import type { Note } from './benchmark.ts';
import { settings } from './settings.ts';

export interface DatabaseServer {
  readonly databaseUrl: string;
  readonly warehouseUrl: string;
  readonly pid: number;
}

export interface Servers extends Omit<DatabaseServer, 'pid'> {
  readonly temporalAddress: string;
  readonly worker: SpawnedService;
  readonly pids: Readonly<Record<'postgres' | 'temporal', number>>;
}

/** Where servers are kept, and who ends them. */
export interface Place {
  readonly home: Home;
  /** Takes each process that is started; the first is stopped last. */
  keep<S extends Service>(service: S): S;
}

/** Gives a home for servers, and leaves neither it nor them behind. */
export async function withPlace<T>(use: (place: Place) => Promise<T>): Promise<T> {
  const scratch = await makeScratchHome();
  const started: Service[] = [];
  try {
    return await use({
      home: scratch.home,
      keep: (service) => {
        started.unshift(service);
        return service;
      },
    });
  } finally {
    for (const service of started) await service.stop();
    scratch.remove();
  }
}

/** Starts Postgres with both databases and all migrations, on a free port. */
export async function startDatabase({ home, keep }: Place): Promise<DatabaseServer> {
  const { postgres: port } = await choosePorts({ api: 0, temporal: 0, temporalUi: 0, postgres: 0 });
  const { postgresPassword: password } = loadSecrets(home.secretsFile);
  const url = (database: string) => postgresUrl({ port, password, database });
  const place = choosePlace({ homeDir: home.postgres, binaries: findPostgresBinaries(), key: password });
  const logFile = join(home.logs, 'postgres.log');
  const server = keep(await startPostgres({ place, port, password, logFile, settings: settings.postgres }));
  const databaseUrl = url('graphrun');
  const warehouseUrl = url('warehouse');
  await ensureDatabase(databaseUrl);
  await ensureDatabase(warehouseUrl);
  await migrate(databaseUrl);
  return { databaseUrl, warehouseUrl, pid: server.pid };
}

export interface ServersOptions {
  readonly note: Note;
  /** Options of Node for the worker's process. */
  readonly workerArgs?: readonly string[] | undefined;
}

/** Starts Postgres, Temporal and a worker, each a process of its own, on free ports and in the home's folder. */
export async function startServers(place: Place, { note, workerArgs }: ServersOptions): Promise<Servers> {
  const { home, keep } = place;
  const { path: cli } = await ensureTemporalCli({ note, progress: () => {} });
  const { pid, databaseUrl, warehouseUrl } = await startDatabase(place);
  const ports = await choosePorts({ api: 0, temporal: 0, temporalUi: 0, postgres: 0 });
  const temporal = keep(await startTemporal({ home, cli, port: ports.temporal, uiPort: ports.temporalUi }));
  const temporalAddress = `127.0.0.1:${ports.temporal}`;
  const args = [fileURLToPath(new URL('worker.ts', import.meta.url)), await bundleWorkflows(home)];
  const worker = await startWorker(
    home,
    [...workerNodeFlags, ...process.execArgv, ...(workerArgs ?? []), ...args],
    {
      DATABASE_URL: databaseUrl,
      WAREHOUSE_URL: warehouseUrl,
      TEMPORAL_ADDRESS: temporalAddress,
    },
  );
  const pids = { postgres: pid, temporal: temporal.pid };
  return { databaseUrl, warehouseUrl, temporalAddress, worker: keep(worker), pids };
}

async function bundleWorkflows(home: Home): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('workflows.ts', import.meta.url)),
    logger: new DefaultLogger('WARN'),
  });
  const codePath = join(home.dir, 'workflows.js');
  await writeFile(codePath, code);
  return codePath;
}

async function startWorker(home: Home, args: string[], env: NodeJS.ProcessEnv): Promise<SpawnedService> {
  const service = await spawnService({
    name: 'bench-worker',
    command: process.execPath,
    args,
    cwd: checkout,
    env: { ...process.env, ...env },
    logFile: join(home.logs, 'worker.log'),
    stopSignal: 'SIGTERM',
    stopGraceMs: 15_000,
    ipc: true,
  });
  return untilReady(
    service,
    () =>
      new Promise((resolve) => {
        service.child.once('message', () => resolve(service));
      }),
  );
}
