// The benchmark's worker process: Graphrun's workers as worker/main.ts starts them, with the no-op kind, and beside them
// a worker of bare Temporal with the same settings.
import { Client } from '@temporalio/client';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import pino from 'pino';
import { parseEnvironment } from '../graph/environment.ts';
import { createStore } from '../store/index.ts';
import { createWarehouse } from '../warehouse/warehouse.ts';
import { createAdopter } from '../watch/adopter.ts';
import { createScheduleLook } from '../watch/schedules/look-at-schedule.ts';
import { createTemporalView } from '../watch/temporal-view.ts';
import { startGuard } from '../worker/guard.ts';
import { createTemporalLogger } from '../worker/temporal-logger.ts';
import { startWorkers } from '../worker/worker.ts';
import { stickyTimeoutMs } from '../workflows/contract.ts';
import { bareActivities, benchKinds } from './kinds.ts';
import { settings } from './settings.ts';
import { countSql } from './sql-counts.ts';
import { usageOfThisProcess } from './usage.ts';
import { readMemory, type WorkerQuestion } from './worker-answers.ts';

const log = pino({ name: 'bench-worker' });
const sqlCounts = countSql();

async function main(codePath: string): Promise<void> {
  const environment = parseEnvironment(process.env);
  Runtime.install({ logger: createTemporalLogger(log), shutdownSignals: [] });
  const store = createStore({ databaseUrl: environment.databaseUrl });
  const warehouse = createWarehouse({ url: environment.warehouseUrl, poolSize: 2 });
  const connection = await NativeConnection.connect({ address: environment.temporal.address });
  await warehouse.prepare();
  const { namespace } = environment.temporal;
  const temporal = createTemporalView(new Client({ connection, namespace }));
  const shared = {
    connection,
    namespace,
    workflowBundle: { codePath },
  };
  // A guard that fails would leave out what it costs.
  const guard = startGuard({
    databaseUrl: environment.databaseUrl,
    jobsAtOnce: settings.jobsAtOnce,
    onError: endWith,
  });
  const workers = await startWorkers({
    ...shared,
    guard,
    store,
    warehouse,
    kinds: benchKinds,
    log: { debug: () => {}, info: () => {}, warn: () => {} },
    adopt: createAdopter({ store, warehouse, temporal, actor: 'worker' }),
    lookAtSchedule: createScheduleLook({
      ...{ store, temporal, taskQueue: settings.taskQueue },
      onError: (error) => log.warn(error, 'a schedule could not be looked at before its run was opened'),
    }),
    taskQueue: settings.taskQueue,
    jobsAtOnce: settings.jobsAtOnce,
    shutdownGraceMs: 10_000,
  });
  const bare = await Worker.create({
    ...shared,
    taskQueue: settings.bareTaskQueue,
    activities: bareActivities,
    maxConcurrentActivityTaskExecutions: settings.jobsAtOnce,
    stickyQueueScheduleToStartTimeout: stickyTimeoutMs,
  });
  const bareDone = bare.run();
  const answers = { usage: () => usageOfThisProcess(sqlCounts()), memory: readMemory };
  process.on('message', (question: WorkerQuestion) => process.send?.(answers[question]()));
  const stopAsked = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.once(signal, () => resolve());
  });
  process.send?.({ type: 'ready' });
  await Promise.race([stopAsked, workers.done, bareDone]);
  bare.shutdown();
  await Promise.all([workers.stop(), bareDone]);
  await Promise.all([guard.stop(), connection.close(), store.close(), warehouse.close()]);
}

function endWith(error: unknown): never {
  log.fatal(error, 'the worker cannot go on');
  process.exit(1);
}

main(process.argv[2] ?? '').then(() => process.exit(0), endWith);
