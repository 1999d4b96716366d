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
import { loadSecrets } from '../dev/secrets.ts';
import { type Service, type SpawnedService, spawnService, untilReady } from '../dev/service.ts';
import { startTemporal } from '../dev/temporal.ts';
import { ensureTemporalCli } from '../dev/temporal-install.ts';
import { settings } from './settings.ts';

export interface Servers {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly worker: SpawnedService;
  readonly pids: Readonly<Record<'postgres' | 'temporal', number>>;
}

export interface ServersOptions {
  readonly home: Home;
  readonly note: (text: string) => void;
  /** Hears of each process that was started, the first to be stopped last. */
  readonly onStart: (service: Service) => void;
}

/** Starts Postgres, Temporal and a worker, each a process of its own, on free ports and in the home's folder. */
export async function startServers({ home, note, onStart }: ServersOptions): Promise<Servers> {
  const keep = <S extends Service>(service: S): S => {
    onStart(service);
    return service;
  };
  const { path: cli } = await ensureTemporalCli({ note, progress: () => {} });
  const ports = await choosePorts({ api: 0, temporal: 0, temporalUi: 0, postgres: 0 });
  const { postgresPassword: password } = loadSecrets(home.secretsFile);
  const url = (database: string) => postgresUrl({ port: ports.postgres, password, database });
  const place = choosePlace({ homeDir: home.postgres, binaries: findPostgresBinaries(), key: password });
  const logFile = join(home.logs, 'postgres.log');
  const { postgres } = settings;
  const server = keep(
    await startPostgres({ place, port: ports.postgres, password, logFile, settings: postgres }),
  );
  const temporal = keep(await startTemporal({ home, cli, port: ports.temporal, uiPort: ports.temporalUi }));
  const databaseUrl = url('graphrun');
  const warehouseUrl = url('warehouse');
  await ensureDatabase(databaseUrl);
  await ensureDatabase(warehouseUrl);
  await migrate(databaseUrl);
  const temporalAddress = `127.0.0.1:${ports.temporal}`;
  const worker = await startWorker(home, await bundleWorkflows(home), {
    DATABASE_URL: databaseUrl,
    WAREHOUSE_URL: warehouseUrl,
    TEMPORAL_ADDRESS: temporalAddress,
  });
  const pids = { postgres: server.pid, temporal: temporal.pid };
  return { databaseUrl, temporalAddress, worker: keep(worker), pids };
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

async function startWorker(home: Home, codePath: string, env: NodeJS.ProcessEnv): Promise<SpawnedService> {
  const service = await spawnService({
    name: 'bench-worker',
    command: process.execPath,
    args: [...process.execArgv, fileURLToPath(new URL('worker.ts', import.meta.url)), codePath],
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
