import { describe, expect, it } from 'vitest';
import { graphRunWorkflowId } from '../../workflows/contract.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';

const { kinds } = createTestKinds();
const engine = await useEngine(kinds);
const { store, client, taskQueue } = engine;
await engine.push({ project: 'pair', jobs: { a: { kind: 'noop' }, b: { kind: 'noop', dependsOn: ['a'] } } });

async function onlyRun(workflowId: string) {
  const { items } = await store.graphRuns.list({}, { limit: 100 });
  const found = items.filter((run) => run.workflowId === workflowId);
  expect(found).toHaveLength(1);
  return store.graphRuns.get(found[0]?.id ?? '');
}

describe('a workflow that is started outside', () => {
  it('gets a graph run with its job runs', async () => {
    const handle = await engine.startOutside('graphRun', { project: 'pair', params: {}, select: ['+b'] });
    await handle.result();
    const run = await onlyRun(handle.workflowId);
    expect(run).toMatchObject({ state: 'SUCCESS', origin: 'temporal', project: 'pair', select: ['+b'] });
    expect(run.jobRuns.map((job) => job.state)).toEqual(['SUCCESS', 'SUCCESS']);
  });

  it('gets a lone job run', async () => {
    const handle = await engine.startOutside('jobRun', { project: 'pair', job: 'a' });
    const { jobRunId } = await handle.result();
    expect(await store.jobRuns.get(jobRunId)).toMatchObject({
      state: 'SUCCESS',
      graphRunId: null,
      job: 'a',
      project: 'pair',
    });
  });

  it.each([
    ['an unknown project', { project: 'nobody' }, 'There is no project "nobody"'],
    ['an unknown job in its selection', { project: 'pair', select: ['zzz'] }, '"zzz" names no job'],
    [
      'a parameter that the graph does not declare',
      { project: 'pair', params: { x: 1 } },
      'no parameter "x"',
    ],
  ])('with %s is a FAILED/invalid run that says so', async (_, input, message) => {
    const handle = await engine.startOutside('graphRun', input);
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'invalid', message: expect.stringContaining(message) },
    });
    expect(await onlyRun(handle.workflowId)).toMatchObject({
      state: 'FAILED',
      reason: 'invalid',
      error: { message: expect.stringContaining(message) },
      jobRuns: [],
    });
  });

  it.each([
    [undefined],
    ['pair'],
    [{ project: 5 }],
    [{ project: 'pair', selct: [] }],
    [{ project: 'a\0b' }],
    [{ project: 'pair', params: { x: '\0' } }],
  ])('with the input %j ends with what was expected', async (input) => {
    const handle = await engine.startOutside('graphRun', input);
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'invalid', message: expect.stringContaining('input is not valid') },
    });
    expect(await onlyRun(handle.workflowId)).toMatchObject({
      state: 'FAILED',
      reason: 'invalid',
      jobRuns: [],
    });
  });

  it('may not name a graph run that its workflow id does not name', async () => {
    const { id } = await engine.run('pair');
    const handle = await engine.startOutside('graphRun', { project: 'pair', graphRunId: id });
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'invalid' } });
    expect(await store.graphRuns.get(id)).toMatchObject({ state: 'SUCCESS', tasks: [{ epoch: 1 }] });
  });

  it('never runs a graph run that has ended again', async () => {
    const { id, handle } = await engine.start('pair');
    await handle.result();
    const { workflowId } = handle;
    const again = await client.workflow.start('graphRun', {
      taskQueue,
      workflowId,
      args: [{ project: 'pair', graphRunId: id }],
    });
    await expect(again.result()).rejects.toMatchObject({
      cause: { type: 'lost', message: expect.stringContaining('has ended already') },
    });
    expect((await store.graphRuns.get(id)).tasks).toHaveLength(1);
  });

  it('never runs another epoch than the one that the run is at', async () => {
    const run = await store.graphRuns.create({ project: 'pair', params: {}, select: null, actor: 'test' });
    const workflowId = graphRunWorkflowId(run.id, 7);
    const handle = await client.workflow.start('graphRun', {
      taskQueue,
      workflowId,
      args: [{ project: 'pair' }],
    });
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'lost', message: expect.stringContaining('epoch 1') },
    });
    expect(await store.graphRuns.get(run.id)).toMatchObject({ state: 'PENDING', reason: 'queued' });
  });
});

describe('a lone job run', () => {
  it('never runs another job than the one of its row', async () => {
    const run = await store.jobRuns.create({ project: 'pair', job: 'a', actor: 'test' });
    const args = [{ project: 'pair', job: 'b', jobRunId: run.id }];
    const handle = await client.workflow.start('jobRun', { taskQueue, workflowId: run.workflowId, args });
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'invalid' } });
    expect(await store.jobRuns.get(run.id)).toMatchObject({ state: 'PENDING', attempts: 0 });
  });

  it('that fails is FAILED/error, and so is its workflow', async () => {
    await engine.push({
      project: 'lone',
      jobs: {
        bad: {
          kind: 'flaky',
          config: { failures: 9 },
          retry: { maximumAttempts: 2, initialInterval: '10ms' },
        },
      },
    });
    const { id, handle } = await engine.startLone('lone', 'bad');
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'job_failed', message: 'try 2 failed' },
    });
    expect(await engine.endedJob(id)).toMatchObject({
      state: 'FAILED',
      reason: 'error',
      attempts: 2,
      tasks: [{ closedAt: expect.any(String) }],
    });
  });

  it('that is cancelled is FAILED/cancelled', async () => {
    await engine.push({ project: 'stuck', jobs: { endless: { kind: 'endless' } } });
    const { id, handle } = await engine.startLone('stuck', 'endless');
    await handle.cancel();
    expect(await engine.endedJob(id)).toMatchObject({ state: 'FAILED', reason: 'cancelled' });
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  });
});
