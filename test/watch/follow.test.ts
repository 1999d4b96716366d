import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import type { GraphRunDetail } from '../../graph/resources.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { resetPoints, resetWorkflow } from '../support/reset.ts';
import { until } from '../support/until.ts';
import { useWatch } from '../support/watch.ts';

const { kinds, begun } = createTestKinds();
const engine = await useEngine(kinds);
const { store, client } = engine;
useWatch(engine);

/** What is done outside shows within this. */
const shownWithinMs = 5_000;

function statesOf(run: GraphRunDetail): Record<string, string> {
  return Object.fromEntries(
    run.jobRuns.map((job) => [job.job, job.reason ? `${job.state}/${job.reason}` : job.state]),
  );
}

/** A run of `quick -> endless -> below`, once `endless` works. */
async function startHanging(project: string) {
  await engine.push({
    project,
    jobs: {
      quick: { kind: 'noop' },
      endless: { kind: 'endless', dependsOn: ['quick'] },
      below: { kind: 'noop', dependsOn: ['endless'] },
    },
  });
  const { id, handle } = await engine.start(project);
  await until(async () => {
    const run = await store.graphRuns.get(id);
    return statesOf(run).endless === 'RUNNING' ? run : undefined;
  }, 'the endless job runs');
  return { id, handle };
}

const shown = <Answer>(ask: () => Promise<Answer | undefined>, what: string) =>
  until(ask, what, shownWithinMs);

/** Whatever was done to a run, its rows are what Temporal did. */
const touched = new Set<string>();
afterAll(async () => {
  expect(touched.size).toBeGreaterThan(6);
  for (const id of touched) {
    expect(await engine.verify(id)).toMatchObject({ differences: [] });
  }
});

async function runWhen(
  id: string,
  is: (run: GraphRunDetail) => boolean,
  what: string,
): Promise<GraphRunDetail> {
  touched.add(id);
  return shown(async () => {
    const run = await store.graphRuns.get(id);
    return is(run) ? run : undefined;
  }, what);
}

describe('a run that is ended in Temporal', () => {
  it('by a terminate shows as FAILED/terminated, with its open jobs', async () => {
    const { id, handle } = await startHanging('terminated');
    await handle.terminate('a test');
    const run = await runWhen(id, ({ state }) => state === 'FAILED', 'the terminate shows');
    expect(run).toMatchObject({
      reason: 'terminated',
      error: { message: expect.stringContaining('TERMINATED') },
    });
    expect(statesOf(run)).toEqual({
      quick: 'SUCCESS',
      endless: 'FAILED/terminated',
      below: 'FAILED/terminated',
    });
    expect(run.tasks).toMatchObject([{ closedAt: expect.any(String) }]);
    const endless = run.jobRuns.find(({ job }) => job === 'endless');
    expect(await store.jobRuns.attempts(endless?.id ?? '')).toMatchObject([
      { state: 'FAILED', reason: 'terminated' },
    ]);
  });

  it('by a terminate before any worker took it shows as well', async () => {
    await engine.push({ project: 'unopened', jobs: { a: { kind: 'noop' } } });
    const created = await store.graphRuns.create({
      project: 'unopened',
      params: {},
      select: null,
      actor: 'test',
    });
    const handle = await client.workflow.start('graphRun', {
      taskQueue: 'nobody-polls-this',
      workflowId: created.workflowId,
      args: [{ project: 'unopened', graphRunId: created.id }],
    });
    await handle.terminate();
    const run = await runWhen(created.id, ({ state }) => state === 'FAILED', 'the terminate shows');
    expect(run).toMatchObject({ reason: 'terminated', startedAt: null });
    expect(statesOf(run)).toEqual({ a: 'FAILED/terminated' });
  });

  it('by deleting the workflow shows as FAILED/lost', async () => {
    const { id, handle } = await startHanging('deleted');
    await client.workflowService.deleteWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId: handle.workflowId },
    });
    const run = await runWhen(id, ({ state }) => state === 'FAILED', 'the deletion shows');
    expect(['lost', 'terminated']).toContain(run.reason);
  });

  it('by its time-out shows as FAILED/timed_out', async () => {
    await engine.push({ project: 'out-of-time', jobs: { endless: { kind: 'endless' } } });
    await client.workflow.start('graphRun', {
      taskQueue: engine.taskQueue,
      workflowId: randomUUID(),
      workflowExecutionTimeout: '2s',
      args: [{ project: 'out-of-time' }],
    });
    const run = await until(async () => {
      const [item] = (await store.graphRuns.list({ project: 'out-of-time' }, { limit: 1 })).items;
      return item?.state === 'FAILED' ? store.graphRuns.get(item.id) : undefined;
    }, 'the time-out shows');
    expect(run.reason).toBe('timed_out');
    expect(statesOf(run)).toEqual({ endless: 'FAILED/timed_out' });
  });

  it('by a terminate of a lone job shows on its job run', async () => {
    await engine.push({ project: 'lone-end', jobs: { endless: { kind: 'endless' } } });
    const { id, handle } = await engine.startLone('lone-end', 'endless');
    await until(
      async () => ((await store.jobRuns.get(id)).state === 'RUNNING' ? true : undefined),
      'it runs',
    );
    await handle.terminate();
    const run = await shown(async () => {
      const seen = await store.jobRuns.get(id);
      return seen.state === 'FAILED' ? seen : undefined;
    }, 'the terminate shows');
    expect(run.reason).toBe('terminated');
  });
});

describe('a run that is reset in Temporal', () => {
  it('to its beginning, while a job works, runs all its jobs again in the next epoch', async () => {
    const { id, handle } = await startHanging('again');
    const [first = 0] = await resetPoints(handle);
    const runId = await resetWorkflow(handle, first);
    const run = await runWhen(
      id,
      ({ epoch, jobRuns }) => epoch === 2 && jobRuns[1]?.state === 'RUNNING',
      'the reset shows',
    );
    expect(run).toMatchObject({ state: 'RUNNING', completedAt: null });
    expect(run.tasks.map((task) => [task.epoch, task.closedAt !== null])).toEqual([
      [1, true],
      [2, false],
    ]);
    expect(run.tasks[1]?.runId).toBe(runId);
    expect(run.jobRuns[0]).toMatchObject({ state: 'SUCCESS', epoch: 2, attempts: 2 });
    await client.workflow.getHandle(handle.workflowId).terminate();
    await runWhen(id, ({ state }) => state === 'FAILED', 'it ends');
  });

  it('to a point after a job had ended keeps that job, and runs the others again', async () => {
    const { id, handle } = await startHanging('kept');
    const points = await resetPoints(handle);
    await resetWorkflow(handle, points.at(-1) ?? 0);
    const run = await runWhen(
      id,
      ({ epoch, jobRuns }) => epoch === 2 && jobRuns[1]?.state === 'RUNNING',
      'the reset shows',
    );
    expect(run.jobRuns[0]).toMatchObject({ job: 'quick', state: 'SUCCESS', epoch: 1, attempts: 1 });
    expect(run.jobRuns[1]).toMatchObject({ job: 'endless', epoch: 2, attempts: 2 });
    await client.workflow.getHandle(handle.workflowId).cancel();
    expect(await engine.ended(id)).toMatchObject({ reason: 'cancelled', epoch: 2 });
  });

  it('after it had ended opens again, and ends anew', async () => {
    await engine.push({
      project: 'ended',
      jobs: { a: { kind: 'noop' }, b: { kind: 'noop', dependsOn: ['a'] } },
    });
    const { id, handle } = await engine.start('ended');
    await handle.result();
    const [first = 0] = await resetPoints(handle);
    await resetWorkflow(handle, first);
    const run = await runWhen(
      id,
      ({ epoch, state }) => epoch === 2 && state === 'SUCCESS',
      'it ends in epoch 2',
    );
    expect(run.jobRuns.map(({ epoch, attempts }) => [epoch, attempts])).toEqual([
      [2, 2],
      [2, 2],
    ]);
    expect(run.tasks).toHaveLength(2);
  });

  it('twice in a row ends in the last one', async () => {
    const { id, handle } = await startHanging('twice');
    const [first = 0] = await resetPoints(handle);
    await resetWorkflow(handle, first);
    const last = await resetWorkflow(handle, first);
    const run = await runWhen(
      id,
      ({ tasks, jobRuns }) => tasks.at(-1)?.runId === last && jobRuns[1]?.state === 'RUNNING',
      'the last reset carries out the run',
    );
    expect(run.tasks.filter(({ closedAt }) => closedAt === null).map(({ runId }) => runId)).toEqual([last]);
    expect(begun.filter((attempt) => attempt.startsWith('below'))).toEqual([]);
    await client.workflow.getHandle(handle.workflowId).terminate();
    await runWhen(id, ({ state }) => state === 'FAILED', 'it ends');
  });
});
