import { hostname } from 'node:os';
import { Client } from '@temporalio/client';
import { NativeConnection, Runtime } from '@temporalio/worker';
import pino from 'pino';
import { parseEnvironment } from '../graph/environment.ts';
import type { AnyJobKind } from '../jobs/define-job-kind.ts';
import { createStore, type Store } from '../store/index.ts';
import { createWarehouse } from '../warehouse/warehouse.ts';
import { createAdopter } from '../watch/adopter.ts';
import { logSparingly } from '../watch/log-sparingly.ts';
import { createScheduleLook } from '../watch/schedules/look-at-schedule.ts';
import { createStarter } from '../watch/starter.ts';
import { tellGranted } from '../watch/tell-granted.ts';
import { connectionOptions } from '../watch/temporal-connection.ts';
import { createTemporalView } from '../watch/temporal-view.ts';
import { startWatch } from '../watch/watch.ts';
import { defaultTaskQueue } from '../workflows/contract.ts';
import { startGuard } from './guard.ts';
import { createTemporalLogger } from './temporal-logger.ts';
import { startWorkers } from './worker.ts';
import { loadWorkflowBundle } from './workflow-bundle.ts';

const jobsAtOnce = 50;
const warehousePoolSize = 20;

const log = pino({ name: 'worker', serializers: { error: pino.stdSerializers.err } });

/** A worker's whole process. Says `ready` to a parent that listens, and ends with it. */
export async function runWorker(
  kinds: ReadonlyMap<string, AnyJobKind>,
  loadWorkflows: typeof loadWorkflowBundle = loadWorkflowBundle,
): Promise<never> {
  try {
    await work(kinds, loadWorkflows);
    process.exit(0);
  } catch (error) {
    log.fatal(error, 'the worker cannot go on');
    process.exit(1);
  }
}

async function work(
  kinds: ReadonlyMap<string, AnyJobKind>,
  loadWorkflows: typeof loadWorkflowBundle,
): Promise<void> {
  const environment = parseEnvironment(process.env);
  const logger = createTemporalLogger(log);
  Runtime.install({ logger, shutdownSignals: [] });
  const starter = createStarter({ temporal: environment.temporal });
  const onGranted = tellGranted(
    starter,
    (told) => store.watch.noteTold(told),
    (error) => log.debug(error, 'not told yet of a grant'),
  );
  const store: Store = createStore({ databaseUrl: environment.databaseUrl, onGranted });
  const warehouse = createWarehouse({ url: environment.warehouseUrl, poolSize: warehousePoolSize });
  const [workflowBundle, connection, prepared] = await Promise.all([
    loadWorkflows(logger),
    NativeConnection.connect(connectionOptions(environment.temporal)),
    warehouse.prepare(),
  ]);
  for (const warning of prepared.warnings) log.warn(warning);
  const { namespace } = environment.temporal;
  const temporal = createTemporalView(new Client({ connection, namespace }));
  const guard = startGuard({
    databaseUrl: environment.databaseUrl,
    jobsAtOnce,
    onError: (error) =>
      log.error(error, 'the guard ended: jobs that block this worker are not found any more'),
  });
  const workers = await startWorkers({
    adopt: createAdopter({ store, warehouse, temporal, actor: 'worker' }),
    lookAtSchedule: createScheduleLook({
      ...{ store, temporal, taskQueue: defaultTaskQueue },
      onError: logSparingly(log, 'a schedule could not be looked at before its run was opened'),
    }),
    store,
    warehouse,
    kinds,
    guard,
    log: {
      debug: (message, data) => log.debug(data, message),
      info: (message, data) => log.info(data, message),
      warn: (message, data) => log.warn(data, message),
    },
    connection,
    namespace,
    taskQueue: defaultTaskQueue,
    workflowBundle,
    jobsAtOnce,
    shutdownGraceMs: environment.workerShutdownGraceMs,
  });
  const watch = startWatch({
    ...{ store, warehouse, temporal, starter, taskQueue: defaultTaskQueue, actor: 'watch' },
    holder: `worker:${process.pid}@${hostname()}`,
    onError: logSparingly(log, 'the watch met an error and goes on'),
    onCorrection: (correction, workflowId) => log.info({ correction, workflowId }, 'rows were mended'),
  });
  const endNow = (): never => {
    void guard.stop();
    process.exit(1);
  };
  onStopAsked({ stop: workers.stop, endNow, graceMs: environment.workerShutdownGraceMs });
  process.send?.({ type: 'ready' });
  log.info({ temporal: environment.temporal.address }, 'polling');
  await workers.done;
  await watch.stop();
  await Promise.all([guard.stop(), starter.close(), connection.close(), store.close(), warehouse.close()]);
}

/** Asked again so soon is the same request: npm hands a Ctrl-C on that the worker has had from the terminal. */
const sameRequestMs = 1_000;

/** The first signal, or the parent's end, lets jobs finish within the grace; a second signal ends the process at once. */
function onStopAsked(options: { stop(): Promise<void>; endNow(): never; graceMs: number }): void {
  let askedAt: number | undefined;
  const stop = (why: string): void => {
    if (askedAt !== undefined) return;
    askedAt = performance.now();
    log.info(
      { why, graceMs: options.graceMs },
      'stopping: no new jobs; those that run may end within the grace',
    );
    // Its failure is that of `done`.
    options.stop().catch(() => {});
  };
  process.on('disconnect', () => stop('the parent process is gone'));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      const isAgain = askedAt !== undefined && performance.now() - askedAt > sameRequestMs;
      if (!isAgain) return stop(signal);
      log.warn({ signal }, 'asked to stop again: ending at once; the jobs that run are lost');
      options.endNow();
    });
  }
}
