import { randomUUID } from 'node:crypto';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, type WorkflowBundlePath } from '@temporalio/worker';
import { afterAll } from 'vitest';
import type { GraphDefinition } from '../../graph/definition.ts';
import type { Params } from '../../graph/graph.ts';
import type { Verification } from '../../graph/inspections.ts';
import type { GraphRunDetail, JobRunDetail } from '../../graph/resources.ts';
import { isFinal } from '../../graph/states.ts';
import type { AnyJobKind } from '../../jobs/define-job-kind.ts';
import { createKinds } from '../../jobs/index.ts';
import { createStore } from '../../store/index.ts';
import type { Store } from '../../store/store.ts';
import { createWarehouse, type Warehouse } from '../../warehouse/warehouse.ts';
import { createAdopter } from '../../watch/adopter.ts';
import { createInspector, type Inspector } from '../../watch/inspector.ts';
import { createScheduleLook, type LookOptions } from '../../watch/schedules/look-at-schedule.ts';
import { createStarter } from '../../watch/starter.ts';
import { tellGranted } from '../../watch/tell-granted.ts';
import { createTemporalView, type TemporalView } from '../../watch/temporal-view.ts';
import { type RunningWorkers, startWorkers } from '../../worker/worker.ts';
import { loadWorkflowBundle } from '../../worker/workflow-bundle.ts';
import { useDatabases } from './databases.ts';
import { pushGraph } from './push-graph.ts';
import { until } from './until.ts';

interface Started {
  readonly id: string;
  readonly handle: WorkflowHandle;
}

export interface Engine {
  readonly store: Store;
  readonly warehouse: Warehouse;
  readonly client: Client;
  readonly temporal: TemporalView;
  readonly taskQueue: string;
  readonly databaseUrl: string;
  readonly warehouseUrl: string;
  readonly temporalAddress: string;
  readonly kinds: ReadonlyMap<string, AnyJobKind>;
  /** Makes the project if it is missing and pushes its graph. */
  push(definition: GraphDefinition): Promise<void>;
  /** Starts a run as the API does: row first. */
  start(project: string, select?: readonly string[], params?: Params): Promise<Started>;
  startLone(project: string, job: string, params?: Params): Promise<Started>;
  /** Starts a workflow as the Temporal CLI does. */
  startOutside(type: string, input: unknown): Promise<WorkflowHandle>;
  /** The run once it has ended. */
  ended(graphRunId: string): Promise<GraphRunDetail>;
  endedJob(jobRunId: string): Promise<JobRunDetail>;
  readonly inspector: Inspector;
  /** One more worker on the engine's queue, with other workflows where a bundle is given; stopped after the last test. */
  startWorkers(workflowBundle?: WorkflowBundlePath): Promise<RunningWorkers>;
  /** How a graph run's rows compare with Temporal's history. */
  verify(graphRunId: string): Promise<Verification>;
  /** Starts, waits, and answers with the ended run. */
  run(project: string, select?: readonly string[], params?: Params): Promise<GraphRunDetail>;
}

const actor = 'test';

interface EngineOptions {
  readonly isIdle?: boolean;
  readonly temporalAddress?: string;
  /** Of how a worker looks at a schedule before it opens a run of it. */
  readonly look?: Partial<LookOptions>;
}

/** A worker, store and warehouse of this test file's own, on the suite's servers. */
export async function useEngine(
  extraKinds: readonly AnyJobKind[] = [],
  /** What the worker is given in place of the store: one that fails in some way. */
  workerStore: (store: Store) => Store = (store) => store,
  /** Idle: no worker polls until one is started. */
  { isIdle = false, temporalAddress: ownAddress = '', look = {} }: EngineOptions = {},
): Promise<Engine> {
  const { databaseUrl, warehouseUrl, temporalAddress: sharedAddress } = await useDatabases();
  const temporalAddress = ownAddress || sharedAddress;
  const warehouse = createWarehouse({ url: warehouseUrl, poolSize: 10 });
  const kinds = createKinds([...extraKinds]);
  const taskQueue = `test-${randomUUID()}`;
  const starter = createStarter({
    temporal: { address: temporalAddress, namespace: 'default' },
    taskQueue,
  });
  const noteTold: Store['watch']['noteTold'] = (told) => store.watch.noteTold(told);
  const store: Store = createStore({ databaseUrl, onGranted: tellGranted(starter, noteTold, () => {}) });
  const logger = new DefaultLogger('ERROR');
  Runtime.install({ logger });
  const [workflowBundle, native, connection] = await Promise.all([
    loadWorkflowBundle(logger),
    NativeConnection.connect({ address: temporalAddress }),
    Connection.connect({ address: temporalAddress }),
    warehouse.prepare(),
  ]);
  const silent = { debug: () => {}, info: () => {}, warn: () => {} };
  const client = new Client({ connection });
  const temporal = createTemporalView(client);
  const adopt = createAdopter({ store, warehouse, temporal, actor: 'worker' });
  // A call that is not answered in time costs a run nothing else.
  const lookAtSchedule = createScheduleLook({ store, temporal, taskQueue, onError: () => {}, ...look });
  const inspector = createInspector({ store, temporal, taskQueue });
  const options = {
    adopt,
    lookAtSchedule,
    store,
    warehouse,
    kinds,
    log: silent,
    namespace: 'default',
    taskQueue,
    workflowBundle,
    jobsAtOnce: 20,
    shutdownGraceMs: 10_000,
  };
  const started: RunningWorkers[] = [];
  const startMore: Engine['startWorkers'] = async (bundle = workflowBundle) => {
    const given = { ...options, workflowBundle: bundle, store: workerStore(store), connection: native };
    const workers = await startWorkers(given);
    started.push(workers);
    return workers;
  };
  if (!isIdle) await startMore();
  afterAll(async () => {
    await Promise.all(started.map((workers) => workers.stop()));
    await Promise.all([native.close(), connection.close(), store.close(), warehouse.close()]);
    await starter.close();
  });

  const startWorkflow = (type: string, workflowId: string, input: unknown) =>
    client.workflow.start(type, {
      taskQueue,
      workflowId,
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      args: [input],
    });
  const ended = (id: string) =>
    until(async () => {
      const run = await store.graphRuns.get(id);
      return isFinal(run.state) ? run : undefined;
    }, `graph run ${id} ends`);
  const start: Engine['start'] = async (project, select, params = {}) => {
    const run = await store.graphRuns.create({ project, params, select: select ?? null, actor });
    const handle = await startWorkflow('graphRun', run.workflowId, { project, graphRunId: run.id });
    return { id: run.id, handle };
  };

  return {
    ...options,
    client,
    temporal,
    databaseUrl,
    warehouseUrl,
    temporalAddress,
    push: (definition) => pushGraph(store, kinds, definition),
    start,
    startLone: async (project, job, params = {}) => {
      const run = await store.jobRuns.create({ project, job, params, actor });
      return {
        id: run.id,
        handle: await startWorkflow('jobRun', run.workflowId, { project, job, jobRunId: run.id }),
      };
    },
    startOutside: (type, input) => startWorkflow(type, `outside-${randomUUID()}`, input),
    ended,
    endedJob: (id) =>
      until(async () => {
        const run = await store.jobRuns.get(id);
        return isFinal(run.state) ? run : undefined;
      }, `job run ${id} ends`),
    startWorkers: startMore,
    inspector,
    verify: (id) => inspector.verifyGraphRun(id),
    run: async (project, select, params) => ended((await start(project, select, params)).id),
  };
}
