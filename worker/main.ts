// The worker's process. Says `ready` to a parent that listens, and ends with it.
import { readFile } from 'node:fs/promises';
import { NativeConnection, Runtime, type TLSConfig } from '@temporalio/worker';
import pino from 'pino';
import { type Environment, parseEnvironment } from '../graph/environment.ts';
import { createKinds } from '../jobs/index.ts';
import { createStore } from '../store/index.ts';
import { createWarehouse } from '../warehouse/warehouse.ts';
import { defaultTaskQueue } from '../workflows/contract.ts';
import { createTemporalLogger } from './temporal-logger.ts';
import { startWorkers } from './worker.ts';
import { loadWorkflowBundle } from './workflow-bundle.ts';

const jobsAtOnce = 50;
const warehousePoolSize = 20;

const log = pino({ name: 'worker' });

async function main(): Promise<void> {
  const environment = parseEnvironment(process.env);
  const logger = createTemporalLogger(log);
  Runtime.install({ logger, shutdownSignals: [] });
  const store = createStore({ databaseUrl: environment.databaseUrl });
  const warehouse = createWarehouse({ url: environment.warehouseUrl, poolSize: warehousePoolSize });
  const [workflowBundle, connection, prepared] = await Promise.all([
    loadWorkflowBundle(logger),
    connect(environment.temporal),
    warehouse.prepare(),
  ]);
  for (const warning of prepared.warnings) log.warn(warning);
  const workers = await startWorkers({
    store,
    warehouse,
    kinds: createKinds(),
    log: {
      debug: (message, data) => log.debug(data, message),
      info: (message, data) => log.info(data, message),
      warn: (message, data) => log.warn(data, message),
    },
    connection,
    namespace: environment.temporal.namespace,
    taskQueue: defaultTaskQueue,
    workflowBundle,
    jobsAtOnce,
  });
  const stop = (): void => void workers.stop();
  for (const signal of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.once(signal, stop);
  process.send?.({ type: 'ready' });
  log.info({ temporal: environment.temporal.address }, 'polling');
  await workers.done;
  await Promise.all([connection.close(), store.close(), warehouse.close()]);
}

async function connect(temporal: Environment['temporal']): Promise<NativeConnection> {
  const { address, apiKey, tls } = temporal;
  return NativeConnection.connect({
    address,
    ...(apiKey && { apiKey }),
    ...(tls ? { tls: await readTls(tls) } : apiKey && { tls: true }),
  });
}

async function readTls(paths: NonNullable<Environment['temporal']['tls']>): Promise<TLSConfig> {
  const { cert, key, ca, serverName } = paths;
  return {
    ...(cert && key && { clientCertPair: { crt: await readFile(cert), key: await readFile(key) } }),
    ...(ca && { serverRootCACertificate: await readFile(ca) }),
    ...(serverName && { serverNameOverride: serverName }),
  };
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    log.fatal(error, 'the worker cannot go on');
    process.exit(1);
  },
);
