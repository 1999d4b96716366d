// Two resets of one run, taken over in whichever order they are met.
import { afterAll, expect, it } from 'vitest';
import { createStore } from '../../store/index.ts';
import { createWarehouse } from '../../warehouse/warehouse.ts';
import type { AdoptDependencies } from '../../watch/adopt-execution.ts';
import { adoptExecution } from '../../watch/adopt-execution.ts';
import { readHistory } from '../../watch/read-history.ts';
import type { ExecutionView } from '../../watch/temporal-view.ts';
import { useDatabases } from '../support/databases.ts';
import { pushNoops } from '../support/graphs.ts';

const { databaseUrl, warehouseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
const warehouse = createWarehouse({ url: warehouseUrl, poolSize: 1 });
afterAll(() => Promise.all([store.close(), warehouse.close()]));
await pushNoops(store, 'twice', { a: [] });

const nothingTold = { ...readHistory([]), resetAtEventId: 4, events: 4 };

/** A run whose first execution has opened it, and what Temporal says of those that resets have made since. */
async function openRun() {
  const { id, workflowId } = await store.graphRuns.create({
    project: 'twice',
    params: {},
    select: null,
    actor: 'test',
  });
  const first = { workflowId, runId: `${id}-1`, firstExecutionRunId: `${id}-1` };
  const known = { graphRunId: id, epoch: 1 };
  const asked = { project: 'twice', params: {}, select: null, actor: 'test' };
  await store.execution.openGraphRun({ identity: first, known, ...asked });
  const viewOf = (reset: number): ExecutionView => ({
    ...first,
    runId: `${id}-reset-${reset}`,
    status: 'RUNNING',
    resetRunId: null,
    historyEvents: 1,
    historyBytes: 1,
    cancelRequested: false,
    type: 'graphRun',
    taskQueue: 'graphrun',
    pending: new Map(),
    workflowTask: null,
  });
  return { id, viewOf };
}

function temporalWhere(latest: () => ExecutionView, history = async () => {}): AdoptDependencies['temporal'] {
  return {
    describe: async () => latest(),
    describeNewest: async () => latest(),
    history: async () => {
      await history();
      return nothingTold;
    },
  };
}

async function openTaskOf(id: string) {
  const { tasks } = await store.graphRuns.get(id);
  return tasks.filter(({ closedAt }) => closedAt === null).map(({ runId, epoch }) => ({ runId, epoch }));
}

const deps = { store, warehouse, actor: 'test' };

it('never takes over a reset that was reset again', async () => {
  const { id, viewOf } = await openRun();
  const temporal = temporalWhere(() => viewOf(2));
  expect(await adoptExecution({ ...deps, temporal }, viewOf(2))).toBe('adopted');
  expect(await adoptExecution({ ...deps, temporal }, viewOf(1))).toBe('superseded');
  expect(await openTaskOf(id)).toEqual([{ runId: viewOf(2).runId, epoch: 2 }]);
});

it('leaves the later reset in its place when that came in between', async () => {
  const { id, viewOf } = await openRun();
  let latest = viewOf(1);
  const temporal = temporalWhere(
    () => latest,
    async () => {
      if (latest.runId === viewOf(2).runId) return;
      latest = viewOf(2);
      await adoptExecution({ ...deps, temporal: temporalWhere(() => latest) }, latest);
    },
  );
  expect(await adoptExecution({ ...deps, temporal }, viewOf(1))).toBe('superseded');
  expect(await openTaskOf(id)).toEqual([{ runId: viewOf(2).runId, epoch: 2 }]);
});

it('takes the later reset over from the earlier one', async () => {
  const { id, viewOf } = await openRun();
  for (const reset of [1, 2]) {
    const temporal = temporalWhere(() => viewOf(reset));
    expect(await adoptExecution({ ...deps, temporal }, viewOf(reset))).toBe('adopted');
  }
  expect(await openTaskOf(id)).toEqual([{ runId: viewOf(2).runId, epoch: 3 }]);
});
