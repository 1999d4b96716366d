// Workflows that were started outside, while no worker polls.
import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import type { GraphRunView } from '../../graph/resources.ts';
import { followExecution } from '../../watch/follow-execution.ts';
import { graphRunWorkflowId } from '../../workflows/contract.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';
import { useWatch } from '../support/watch.ts';

const { kinds } = createTestKinds();
const engine = await useEngine(kinds, undefined, { isIdle: true });
const { store, client, taskQueue } = engine;
const sql = await useSql(engine.databaseUrl);
const watch = useWatch(engine);
await engine.push({ project: 'pair', jobs: { a: { kind: 'noop' }, b: { kind: 'noop', dependsOn: ['a'] } } });

const shownWithinMs = 5_000;

async function rowsOf({ workflowId }: WorkflowHandle): Promise<GraphRunView[]> {
  const { items } = await store.graphRuns.list({}, { limit: 100 });
  return items.filter((run) => run.workflowId === workflowId);
}

function shown(handle: WorkflowHandle, state: GraphRunView['state'] = 'PENDING'): Promise<GraphRunView> {
  return until(
    async () => (await rowsOf(handle)).find((run) => run.state === state),
    `${handle.workflowId} shows as ${state}`,
    shownWithinMs,
  );
}

async function loneOf({ workflowId }: WorkflowHandle) {
  return sql.query<{ id: string; state: string; reason: string | null; origin: string }>(
    'SELECT id, state, reason, origin FROM job_run WHERE workflow_id = $1',
    [workflowId],
  );
}

async function eventsOf(graphRunId: string) {
  return sql.query(
    'SELECT state, reason, actor FROM event WHERE graph_run_id = $1 AND job_run_id IS NULL ORDER BY number',
    [graphRunId],
  );
}

/** What is seen later than this has been passed over. */
async function passedOver(): Promise<void> {
  await shown(await engine.startOutside('graphRun', { project: 'pair' }));
}

describe('before any worker comes', () => {
  it('a graph run shows as PENDING, with its jobs', async () => {
    const handle = await engine.startOutside('graphRun', { project: 'pair', select: ['+b'] });
    const { id } = await shown(handle);
    const run = await store.graphRuns.get(id);
    expect(run).toMatchObject({
      reason: 'queued',
      origin: 'temporal',
      project: 'pair',
      version: 1,
      select: ['+b'],
      createdBy: `workflow:${handle.workflowId}`,
      tasks: [],
    });
    expect(run.jobRuns.map(({ job, state }) => [job, state])).toEqual([
      ['a', 'PENDING'],
      ['b', 'PENDING'],
    ]);
    expect(await eventsOf(id)).toEqual([{ state: 'PENDING', reason: null, actor: 'watch' }]);
    await until(
      () => watch.corrections.includes(`opened ${handle.workflowId}`) || undefined,
      'it is told as a correction',
    );
  });

  it('a lone job run shows as well', async () => {
    const handle = await engine.startOutside('jobRun', { project: 'pair', job: 'a' });
    const lone = await until(async () => (await loneOf(handle))[0], 'the job run shows', shownWithinMs);
    expect(lone).toMatchObject({ state: 'PENDING', origin: 'temporal' });
  });

  it.each([
    [{ project: 'nobody' }, 'There is no project "nobody"'],
    [{ project: 'pair', select: ['zzz'] }, '"zzz" names no job'],
    ['pair', 'input is not valid'],
    [undefined, 'input is not valid'],
  ])('the input %j shows as FAILED/invalid', async (input, message) => {
    const handle = await engine.startOutside('graphRun', input);
    expect(await shown(handle, 'FAILED')).toMatchObject({
      reason: 'invalid',
      error: { message: expect.stringContaining(message) },
    });
  });

  it('a terminate ends the run, with its jobs', async () => {
    const handle = await engine.startOutside('graphRun', { project: 'pair' });
    await shown(handle);
    await handle.terminate('oops');
    const { id } = await shown(handle, 'FAILED');
    const run = await store.graphRuns.get(id);
    const message = expect.stringMatching(
      /^The workflow was ended in Temporal as TERMINATED by \S+ \(oops\)\.$/,
    );
    expect(run).toMatchObject({ reason: 'terminated', startedAt: null, error: { message } });
    expect(run.jobRuns.map(({ reason }) => reason)).toEqual(['terminated', 'terminated']);
    expect((await eventsOf(id)).at(-1)).toEqual({ state: 'FAILED', reason: 'terminated', actor: 'watch' });
  });

  it('a terminate ends a lone job run', async () => {
    const handle = await engine.startOutside('jobRun', { project: 'pair', job: 'a' });
    await handle.terminate();
    await until(
      async () => (await loneOf(handle))[0]?.reason === 'terminated' || undefined,
      'the terminate shows',
      shownWithinMs,
    );
  });

  it('one that was ended at once has a row all the same', async () => {
    const handle = await engine.startOutside('graphRun', { project: 'pair' });
    await handle.terminate();
    expect(await shown(handle, 'FAILED')).toMatchObject({ reason: 'terminated' });
    expect(await rowsOf(handle)).toHaveLength(1);
  });

  it('a deletion shows as FAILED/lost', async () => {
    const handle = await engine.startOutside('graphRun', { project: 'pair' });
    await shown(handle);
    const workflowExecution = { workflowId: handle.workflowId };
    await client.workflowService.deleteWorkflowExecution({ namespace: 'default', workflowExecution });
    expect(['lost', 'terminated']).toContain((await shown(handle, 'FAILED')).reason);
  });

  it('a workflow id that is used again has a run of its own', async () => {
    const first = await engine.startOutside('graphRun', { project: 'pair' });
    await first.terminate();
    await shown(first, 'FAILED');
    await client.workflow.start('graphRun', {
      taskQueue,
      workflowId: first.workflowId,
      args: [{ project: 'pair' }],
    });
    await shown(first, 'PENDING');
    expect((await rowsOf(first)).map(({ state }) => state)).toEqual(['PENDING', 'FAILED']);
  });

  it('there is none for a job that is not there, for other queues, and for the runs of others', async () => {
    const start = (type: string, workflowId: string, queue: string, input: unknown) =>
      client.workflow.start(type, { taskQueue: queue, workflowId, args: [input] });
    const pair = { project: 'pair' };
    const unknownJob = await start('jobRun', randomUUID(), taskQueue, { ...pair, job: 'zzz' });
    const unreadable = await start('jobRun', randomUUID(), taskQueue, 'zzz');
    const elsewhere = await start('graphRun', randomUUID(), 'the-queue-of-others', pair);
    const others = await start('graphRun', graphRunWorkflowId(randomUUID(), 1), taskQueue, pair);
    const claiming = await start('graphRun', randomUUID(), taskQueue, { ...pair, graphRunId: randomUUID() });
    await passedOver();
    await passedOver();
    expect([await loneOf(unknownJob), await loneOf(unreadable)]).toEqual([[], []]);
    expect([await rowsOf(elsewhere), await rowsOf(others), await rowsOf(claiming)]).toEqual([[], [], []]);
    for (const handle of [unknownJob, unreadable, elsewhere, others, claiming]) await handle.terminate();
  });
});

it('a worker that comes later takes the runs that are there', async () => {
  const good = await engine.startOutside('graphRun', { project: 'pair' });
  const lone = await engine.startOutside('jobRun', { project: 'pair', job: 'a' });
  const bad = await engine.startOutside('graphRun', { project: 'nobody' });
  const { id } = await shown(good);
  const job = await until(async () => (await loneOf(lone))[0], 'the job run shows', shownWithinMs);
  const refused = await shown(bad, 'FAILED');
  await engine.startWorkers();
  await good.result();
  await expect(lone.result()).resolves.toMatchObject({ jobRunId: job.id });
  await expect(bad.result()).rejects.toMatchObject({
    cause: { type: 'invalid', message: refused.error?.message },
  });
  expect(await rowsOf(good)).toMatchObject([{ id, state: 'SUCCESS', origin: 'temporal' }]);
  expect(await loneOf(lone)).toMatchObject([{ id: job.id, state: 'SUCCESS' }]);
  expect(await rowsOf(bad)).toMatchObject([{ id: refused.id, state: 'FAILED', reason: 'invalid' }]);
  expect(await engine.verify(id)).toMatchObject({ verdict: 'equal' });

  // One that a worker had, and whose row is gone, was deleted.
  await sql.query('DELETE FROM graph_run WHERE id = $1', [id]);
  const { runId } = await good.describe();
  const deps = { ...engine, actor: 'watch' };
  expect(await followExecution(deps, { workflowId: good.workflowId, runId })).toEqual([]);
  expect(await rowsOf(good)).toEqual([]);
});
