import { join } from 'node:path';
import { workerNodeFlags } from '../worker/node-flags.ts';
import { both } from './both.ts';
import { checkout, type Home } from './home.ts';
import { startNodeService } from './node-service.ts';
import type { StackReport } from './stack-report.ts';
import { timed } from './stack-report.ts';
import type { DatabaseUrls, TemporalServer } from './stack-servers.ts';
import type { Supervisor } from './supervisor.ts';

export interface ProcessContext {
  readonly home: Home;
  readonly env: NodeJS.ProcessEnv;
  readonly supervisor: Supervisor;
  readonly report: StackReport;
  readonly urls: DatabaseUrls;
  readonly temporal: TemporalServer;
  /** The API's. */
  readonly port: number;
  readonly scripts?: Scripts;
}

/** Entry points of our own processes. */
export interface Scripts {
  readonly worker: string;
  readonly api: string;
}

const ownScripts: Scripts = {
  worker: join(checkout, 'worker', 'main.ts'),
  api: join(checkout, 'api', 'server.ts'),
};

const flags = { worker: workerNodeFlags, api: [] } as const;

/** Starts worker and API, and returns the API's URL when both are ready. */
export async function startProcesses(context: ProcessContext): Promise<string> {
  const { home, supervisor, report, urls, temporal, port } = context;
  const scripts = context.scripts ?? ownScripts;
  const env: NodeJS.ProcessEnv = {
    ...context.env,
    DATABASE_URL: urls.databaseUrl,
    WAREHOUSE_URL: urls.warehouseUrl,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: context.env.TEMPORAL_NAMESPACE || 'default',
    PORT: String(port),
    GRAPHRUN_HOME: home.dir,
    // Whoever presses Ctrl-C waits for it.
    WORKER_SHUTDOWN_GRACE: context.env.WORKER_SHUTDOWN_GRACE || '3s',
  };
  const start = async (name: 'worker' | 'api') => {
    const run = () => startNodeService({ name, script: scripts[name], flags: flags[name], home, env });
    const { value: service, ms } = await timed(() => supervisor.start(name, run));
    report.step(name, 'ready', ms, service.url);
    return service;
  };
  const [, api] = await both(start('worker'), start('api'));
  return api.url ?? `http://127.0.0.1:${port}`;
}
