// A cancel that reaches the server after a run was closed, and before its workflow has ended: the server then asks the
// workflow anew, with the cancel before its eyes.
import { expect, it } from 'vitest';
import type { Store } from '../../store/store.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';

const closed: { cancel?: () => Promise<unknown> } = {};
const cancelling = (store: Store): Store => ({
  ...store,
  execution: {
    ...store.execution,
    closeGraphRun: async (...given) => {
      const end = await store.execution.closeGraphRun(...given);
      const { cancel } = closed;
      delete closed.cancel;
      await cancel?.();
      return end;
    },
    closeJobRun: async (...given) => {
      await store.execution.closeJobRun(...given);
      const { cancel } = closed;
      delete closed.cancel;
      await cancel?.();
    },
  },
});

const { kinds } = createTestKinds();
const engine = await useEngine(kinds, cancelling);
const { client, store } = engine;

const failing = { kind: 'flaky', config: { failures: 1 }, retry: { maximumAttempts: 1 } };

it.each([
  ['success', { a: { kind: 'noop' }, b: { kind: 'noop', dependsOn: ['a'] } }, 'SUCCESS', null, 'COMPLETED'],
  ['failure', { a: failing, b: { kind: 'noop', dependsOn: ['a'] } }, 'FAILED', 'job_failed', 'FAILED'],
])('the end of a run stands: %s', async (project, jobs, state, reason, status) => {
  await engine.push({ project, jobs });
  const run = await store.graphRuns.create({ project, params: {}, select: null, actor: 'test' });
  const { workflowId } = run;
  closed.cancel = () => client.workflow.getHandle(workflowId).cancel();
  const { taskQueue } = engine;
  const handle = await client.workflow.start('graphRun', {
    ...{ taskQueue, workflowId, args: [{ project, graphRunId: run.id }] },
  });
  await handle.result().catch(() => {});
  expect(closed.cancel).toBeUndefined();
  expect(await store.graphRuns.get(run.id)).toMatchObject({ state, reason });
  const { status: found, raw } = await handle.describe();
  expect([found.name, raw.workflowExtendedInfo?.cancelRequested]).toEqual([status, true]);
  expect(await engine.verify(run.id)).toMatchObject({ verdict: 'equal', differences: [] });
});

it('the end of a job that was run alone stands', async () => {
  await engine.push({ project: 'lone', jobs: { a: { kind: 'noop' } } });
  const run = await store.jobRuns.create({ project: 'lone', job: 'a', actor: 'test' });
  const { workflowId } = run;
  closed.cancel = () => client.workflow.getHandle(workflowId).cancel();
  const { taskQueue } = engine;
  const handle = await client.workflow.start('jobRun', {
    ...{ taskQueue, workflowId, args: [{ project: 'lone', job: 'a', jobRunId: run.id }] },
  });
  await handle.result();
  expect(closed.cancel).toBeUndefined();
  expect(await store.jobRuns.get(run.id)).toMatchObject({ state: 'SUCCESS', reason: null });
  expect(await engine.inspector.verifyJobRun(run.id)).toMatchObject({ verdict: 'equal' });
});
