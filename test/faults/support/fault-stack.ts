import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { Client as TemporalClient } from '@temporalio/client';
import type pg from 'pg';
import { afterAll, beforeEach } from 'vitest';
import { type Client, createClient } from '../../../client/index.ts';
import { ensureDatabase, withClient } from '../../../dev/databases.ts';
import type { Home } from '../../../dev/home.ts';
import { ensureLocalApiKey } from '../../../dev/local-api-key.ts';
import { migrate } from '../../../dev/migrate.ts';
import { makeScratchHome } from '../../../dev/scratch-home.ts';
import { killServices } from '../../../dev/service.ts';
import { ensureTemporalCli } from '../../../dev/temporal-install.ts';
import type { GraphDefinition } from '../../../graph/definition.ts';
import { createKinds } from '../../../jobs/index.ts';
import { createStore } from '../../../store/index.ts';
import { connectLazily } from '../../../watch/temporal-connection.ts';
import { pushGraph } from '../../support/push-graph.ts';
import { createFaultKinds } from './fault-kinds.ts';
import type { FaultProcess } from './fault-process.ts';
import {
  type Addresses,
  chooseAddresses,
  nodeProcess,
  postgresProcess,
  temporalProcess,
} from './fault-processes.ts';
import { type Latches, openLatches } from './latches.ts';

export interface FaultStackOptions {
  /** How many run at the beginning of each test; 1 unless told. */
  readonly workers?: number;
  /** Dynamic settings of Temporal beside ours. */
  readonly temporalSettings?: readonly string[];
  /** Laid over the environment of the API, or of the workers: the addresses of a proxy. */
  readonly apiEnv?: (addresses: Addresses) => Promise<NodeJS.ProcessEnv>;
  readonly workerEnv?: (addresses: Addresses) => Promise<NodeJS.ProcessEnv>;
}

type Sql = <Row extends pg.QueryResultRow>(sql: string, values?: readonly unknown[]) => Promise<Row[]>;

/** A stack of a test file's own, whose processes its tests kill. All of them run at the beginning of each test. */
export interface FaultStack extends Addresses {
  readonly postgres: FaultProcess;
  readonly temporal: FaultProcess;
  readonly api: FaultProcess;
  readonly workers: readonly FaultProcess[];
  workerWith(pid: number): FaultProcess;
  readonly client: Client;
  readonly temporalClient: TemporalClient;
  readonly temporalCli: string;
  readonly latches: Latches;
  /** Makes the project and pushes its graph; job kinds: fault-kinds.ts. */
  push(definition: GraphDefinition): Promise<void>;
  /** Triggers a run by the API; resolves with its id once it is acknowledged. */
  start(project: string): Promise<string>;
  /** Runs of this test that were acknowledged. A test adds those that it starts in another way. */
  readonly runs: string[];
  /** Of these, those whose workflow this test deleted in Temporal: nothing is left there to compare them with. */
  readonly deleted: Set<string>;
  /** Job runs of which this test itself told Temporal that they have succeeded: nothing of theirs is in the warehouse. */
  readonly given: Set<string>;
  /** Run ids of executions that this test started for a run which they may not carry out. */
  readonly refused: Set<string>;
  /** Graphs that this test pushed, the latest of each project. */
  readonly graphs: ReadonlyMap<string, GraphDefinition>;
  /** On a connection for this statement alone, so that no kill is felt by it. */
  readonly sql: Sql;
  readonly warehouseSql: Sql;
}

/** Starts it for a test file, and ends it after the last test, leaving nothing behind. */
export async function useFaultStack(options: FaultStackOptions = {}): Promise<FaultStack> {
  const { path: temporalCli } = await ensureTemporalCli({ note: () => {}, progress: () => {} });
  const { home, remove } = await makeScratchHome();
  const addresses = await chooseAddresses(home);
  const latchDir = join(home.dir, 'latches');
  const latches = openLatches(latchDir);
  const postgres = postgresProcess(home, addresses);
  const temporal = temporalProcess(home, addresses, {
    cli: temporalCli,
    ...(options.temporalSettings && { settings: options.temporalSettings }),
  });
  const workerEnv = { ...(await options.workerEnv?.(addresses)), FAULT_LATCHES: latchDir };
  const workers = Array.from({ length: options.workers ?? 1 }, (_, index) =>
    nodeProcess(home, addresses, {
      name: `worker-${index + 1}`,
      script: 'test/faults/support/worker-main.ts',
      env: workerEnv,
    }),
  );
  const apiEnv = (await options.apiEnv?.(addresses)) ?? {};
  const api = nodeProcess(home, addresses, { name: 'api', script: 'api/server.ts', env: apiEnv });
  const store = createStore({ databaseUrl: addresses.databaseUrl, poolSize: 1 });
  const connection = connectLazily({ address: addresses.temporalAddress, namespace: 'default' });
  process.on('exit', killServices);
  afterAll(async () => {
    await Promise.all([connection.close(), store.close()]);
    await Promise.all([...workers, api].map((each) => each.stop()));
    await Promise.all([temporal.stop(), postgres.stop()]);
    process.off('exit', killServices);
    keepLogs(home);
    remove();
  });

  const startAll = async () => {
    for (const each of [...workers, api, temporal]) each.thaw();
    await Promise.all([postgres.start(), temporal.start()]);
    await Promise.all([...workers, api].map((each) => each.start()));
  };
  await postgres.start();
  await prepareDatabases(addresses);
  await startAll();

  const client = createClient({ url: addresses.apiUrl, apiKey: addresses.apiKey });
  const kinds = createKinds(createFaultKinds(latches));
  const runs: string[] = [];
  const deleted = new Set<string>();
  const given = new Set<string>();
  const refused = new Set<string>();
  const graphs = new Map<string, GraphDefinition>();
  beforeEach(async () => {
    runs.length = 0;
    deleted.clear();
    given.clear();
    refused.clear();
    graphs.clear();
    await startAll();
  });
  return {
    ...addresses,
    ...{
      postgres,
      temporal,
      api,
      workers,
      client,
      temporalCli,
      latches,
      runs,
      deleted,
      given,
      refused,
      graphs,
    },
    workerWith: (pid) => {
      const found = workers.find((worker) => worker.isRunning && worker.pid === pid);
      if (!found) throw new Error(`no worker that runs has pid ${pid}`);
      return found;
    },
    temporalClient: new TemporalClient({ connection, namespace: 'default' }),
    push: async (definition) => {
      await pushGraph(store, kinds, definition);
      graphs.set(definition.project, definition);
    },
    start: async (project) => {
      const { id } = await client.graphRuns.start(project);
      runs.push(id);
      return id;
    },
    sql: sqlOn(addresses.databaseUrl),
    warehouseSql: sqlOn(addresses.warehouseUrl),
  };
}

async function prepareDatabases({ databaseUrl, warehouseUrl, apiKey }: Addresses): Promise<void> {
  await ensureDatabase(databaseUrl);
  await ensureDatabase(warehouseUrl);
  await migrate(databaseUrl);
  await ensureLocalApiKey(databaseUrl, apiKey);
}

function sqlOn(url: string): Sql {
  return (sql, values = []) => withClient(url, async (client) => (await client.query(sql, [...values])).rows);
}

/** For whoever looks for the cause of a failure: FAULT_LOGS names a folder for the logs of each stack. */
function keepLogs(home: Home): void {
  const folder = process.env.FAULT_LOGS;
  if (folder === undefined) return;
  for (const kept of ['logs', 'latches']) {
    cpSync(join(home.dir, kept), join(folder, `${process.pid}`, kept), { recursive: true });
  }
}
