// Runs whose history grows long: they go on in new executions. The server of this file finds a history long early.
import { beforeEach, describe, expect, it } from 'vitest';
import type { GraphDefinition } from '../../graph/definition.ts';
import type { GraphRunDetail } from '../../graph/resources.ts';
import { runSignals } from '../../workflows/contract.ts';
import { replay, takeHistory } from '../replay/histories.ts';
import { useEngine } from '../support/engine.ts';
import { expectProved } from '../support/expect-proved.ts';
import { createHeld } from '../support/held.ts';
import { createTestKinds } from '../support/kinds.ts';
import { useOwnTemporal } from '../support/own-temporal.ts';
import { resetPoints, resetWorkflow } from '../support/reset.ts';
import { until } from '../support/until.ts';
import { useWatch } from '../support/watch.ts';

const temporalAddress = await useOwnTemporal(['limit.historyCount.suggestContinueAsNew=60']);
const { kinds, begun, broken } = createTestKinds();
const held = createHeld();
const engine = await useEngine([...kinds, held.kind], undefined, { temporalAddress });
const { store } = engine;
useWatch(engine);

beforeEach(() => {
  begun.length = 0;
  broken.clear();
});

const once = { maximumAttempts: 1 };

/** j00 → j01 → ... */
function chainOf(length: number, last: Partial<GraphDefinition['jobs'][string]> = {}) {
  const keyOf = (at: number) => `j${String(at).padStart(2, '0')}`;
  return Object.fromEntries(
    Array.from({ length }, (_, at) => [
      keyOf(at),
      { kind: 'breakable', ...(at > 0 && { dependsOn: [keyOf(at - 1)] }), ...(at === length - 1 && last) },
    ]),
  );
}

function runIdsOf({ tasks }: GraphRunDetail): string[] {
  return tasks.map(({ runId }) => runId);
}

describe('a long run', () => {
  it('takes no longer than the timeout of its graph over all its executions', async () => {
    const jobs = Object.entries(chainOf(120)).map(([key, job]) => [
      key,
      { ...job, kind: 'noop', config: { ms: 50 } },
    ]);
    await engine.push({ project: 'late', timeout: '5s', jobs: Object.fromEntries(jobs) });
    const { id, handle } = await engine.start('late');
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'timed_out' } });
    const run = await store.graphRuns.get(id);
    expect(run).toMatchObject({ state: 'FAILED', reason: 'timed_out' });
    expect(run.tasks.length).toBeGreaterThanOrEqual(2);
    const tookMs = Date.parse(run.completedAt ?? '') - Date.parse(run.startedAt ?? '');
    expect(tookMs).toBeGreaterThanOrEqual(4_500);
    // Jobs that never began may have ended by the time-out or by what that did to one above: explained for good.
    expect(await engine.verify(id)).toMatchObject({ verdict: 'equal', differences: [] });
  });

  it('goes on in new executions at the same epoch, and runs every job once, in order', async () => {
    await engine.push({ project: 'chain', jobs: chainOf(40) });
    const { id, handle } = await engine.start('chain');
    expect(await handle.result()).toEqual({ graphRunId: id, state: 'SUCCESS' });
    const run = await store.graphRuns.get(id);
    expect(run).toMatchObject({ state: 'SUCCESS', epoch: 1 });
    expect(begun).toEqual(run.jobRuns.map(({ job }) => `${job}#1`));
    expect(run.tasks.length).toBeGreaterThanOrEqual(3);
    expect(run.tasks.every(({ epoch, closedAt }) => epoch === 1 && closedAt !== null)).toBe(true);
    expect(run.jobRuns.filter(({ reused }) => !reused)).toHaveLength(40);
    await expectProved(engine, id);
    const sizes = await Promise.all(
      runIdsOf(run).map(async (runId) => {
        const { historyLength } = await engine.client.workflow.getHandle(run.workflowId, runId).describe();
        return historyLength;
      }),
    );
    expect(Math.max(...sizes)).toBeLessThan(80);
    for (const [at, runId] of runIdsOf(run).slice(0, 2).entries()) {
      const execution = engine.client.workflow.getHandle(run.workflowId, runId);
      const history = await takeHistory(at === 0 ? 'continued' : 'continuing', execution);
      expect(await replay(run.workflowId, history)).toBeUndefined();
    }
  });

  it('keeps the line of a pool in which its jobs wait, whatever order they came in', async () => {
    await store.pools.put({ name: 'one', slots: 1, description: '', actor: 'test' });
    const below = (parent: string, count: number) =>
      Array.from({ length: count }, (_, at): [string, GraphDefinition['jobs'][string]] => [
        `${parent}${at}`,
        { kind: 'noop', pools: { one: 1 }, dependsOn: [parent] },
      ]);
    await engine.push({
      project: 'lined',
      jobs: {
        // Those that stand first become ready last.
        slow: { kind: 'noop', config: { ms: 500 } },
        fast: { kind: 'noop' },
        ...Object.fromEntries([...below('slow', 100), ...below('fast', 40)]),
      },
    });
    const { id, handle } = await engine.start('lined');
    expect(await handle.result()).toEqual({ graphRunId: id, state: 'SUCCESS' });
    expect((await store.graphRuns.get(id)).tasks.length).toBeGreaterThanOrEqual(5);
    expect(await store.pools.get('one')).toMatchObject({ held: 0, waiting: 0 });
    await expectProved(engine, id);
  });

  it('carries failures, skips and what may fail over to the next execution', async () => {
    const first = { kind: 'breakable', retry: once };
    await engine.push({
      project: 'ends',
      jobs: {
        bad: first,
        soft: { ...first, allowFailure: true },
        below_bad: { kind: 'noop', dependsOn: ['bad'] },
        alarm: { kind: 'noop', dependsOn: ['j00'], runIf: 'any_failed' },
        ...chainOf(20),
        after_bad: { kind: 'noop', dependsOn: ['j19', 'bad'] },
        after_soft: { kind: 'noop', dependsOn: ['j19', 'soft'] },
        after_alarm: { kind: 'noop', dependsOn: ['j19', 'alarm'], runIf: 'none_failed' },
        after_skip: { kind: 'noop', dependsOn: ['alarm'] },
      },
    });
    broken.add('bad').add('soft');
    const run = await engine.run('ends');
    expect(run.tasks.length).toBeGreaterThanOrEqual(2);
    expect(run).toMatchObject({ state: 'FAILED', reason: 'job_failed' });
    const states = new Map(
      run.jobRuns.map(({ job, state, reason }) => [job, reason ? `${state}/${reason}` : state]),
    );
    expect(Object.fromEntries([...states].filter(([job]) => !/^j\d/.test(job)))).toEqual({
      bad: 'FAILED/error',
      soft: 'FAILED/error',
      below_bad: 'FAILED/upstream_failed',
      alarm: 'SUCCESS/skipped',
      after_bad: 'FAILED/upstream_failed',
      after_soft: 'SUCCESS',
      after_alarm: 'SUCCESS',
      after_skip: 'SUCCESS/skipped',
    });
    await expectProved(engine, run.id);
  });

  it('waits with that for jobs in flight', async () => {
    const wide = Object.fromEntries(
      Array.from({ length: 30 }, (_, at) => [`w${at}`, { kind: 'breakable' }] as const),
    );
    const last = { kind: 'breakable', dependsOn: Object.keys(wide) };
    await engine.push({
      project: 'wide',
      jobs: { slow: { kind: 'noop', config: { ms: 1_500 } }, ...wide, last },
    });
    const run = await engine.run('wide');
    expect(run).toMatchObject({ state: 'SUCCESS' });
    expect(run.tasks).toHaveLength(1);
    await expectProved(engine, run.id);
  });

  it('stays paused in the execution that it goes on in', async () => {
    const a = { kind: 'held', config: { gate: 'paused' } };
    await engine.push({ project: 'paused', jobs: { a, b: { kind: 'breakable', dependsOn: ['a'] } } });
    const { id, handle } = await engine.start('paused');
    await until(async () => (await store.graphRuns.get(id)).jobCounts.RUNNING || undefined, 'a works');
    const asked = { id, note: null, actor: 'test' };
    await store.pauses.set({ ...asked, paused: true });
    for (let signals = 0; signals < 60; signals += 1)
      await handle.signal(runSignals.setPause, 'to fill the history');
    held.letGo('paused');
    const run = await until(async () => {
      const found = await store.graphRuns.get(id);
      return found.tasks.length > 1 ? found : undefined;
    }, 'it goes on in a new execution');
    expect(run).toMatchObject({ state: 'RUNNING', reason: 'paused', epoch: 1 });
    expect(run.jobRuns.map(({ state, reason }) => [state, reason])).toEqual([
      ['SUCCESS', null],
      ['PENDING', 'paused'],
    ]);
    await store.pauses.set({ ...asked, paused: false });
    expect(await engine.ended(id)).toMatchObject({ state: 'SUCCESS', epoch: 1 });
    await expectProved(engine, id);
  });

  it('keeps the place of a job that waits for a pool, and asks for it once', async () => {
    const slots = { slots: 1, description: '', actor: 'test' };
    await store.pools.put({ name: 'narrow', ...slots });
    await engine.push({ project: 'holder', jobs: { holds: { kind: 'endless', pools: { narrow: 1 } } } });
    const holder = await engine.start('holder');
    await until(() => (begun.includes('holds#1') ? true : undefined), 'the pool is held');
    const waits = { kind: 'noop', pools: { narrow: 1 } };
    await engine.push({ project: 'in-line', jobs: { ...chainOf(30), waits } });
    await engine.push({ project: 'behind', jobs: { behind: waits } });
    const { id, handle } = await engine.start('in-line');
    const reasonOf = async (graphRunId: string, key: string) =>
      (await store.graphRuns.get(graphRunId)).jobRuns.find(({ job }) => job === key)?.reason;
    await until(async () => ((await reasonOf(id, 'waits')) === 'slot' ? true : undefined), 'it waits');
    const behind = await engine.start('behind');
    await until(
      async () => ((await reasonOf(behind.id, 'behind')) === 'slot' ? true : undefined),
      'it waits',
    );
    await until(async () => {
      const { tasks, jobCounts } = await store.graphRuns.get(id);
      return tasks.length >= 3 && jobCounts.SUCCESS === 30 ? true : undefined;
    }, 'the chain is done, in new executions');
    expect(await store.pools.get('narrow')).toMatchObject({ held: 1, waiting: 2 });
    await holder.handle.cancel();
    await handle.result();
    await engine.ended(behind.id);
    expect(begun.filter((job) => job === 'waits#1' || job === 'behind#1')).toEqual(['waits#1', 'behind#1']);
    expect(await store.pools.get('narrow')).toMatchObject({ held: 0, waiting: 0 });
    await expectProved(engine, id);
  });

  it('is cancelled in the execution that it has come to', async () => {
    await engine.push({ project: 'cancelled', jobs: chainOf(25, { kind: 'endless' }) });
    const { id } = await engine.start('cancelled');
    await until(() => (begun.includes('j24#1') ? true : undefined), 'the last has begun');
    await engine.client.workflow.getHandle(`graph-run/${id}/1`).cancel();
    const run = await engine.ended(id);
    expect(run).toMatchObject({
      state: 'FAILED',
      reason: 'cancelled',
      jobCounts: { SUCCESS: 24, FAILED: 1 },
    });
    await expectProved(engine, id);
  });

  it('is resumed as any other', async () => {
    await engine.push({ project: 'resumed', jobs: chainOf(30, { retry: once }) });
    broken.add('j29');
    const { id } = await engine.run('resumed');
    broken.clear();
    begun.length = 0;
    const plan = { from: null, latest: false, plan: null, actor: 'test' };
    const { workflowId } = await store.resumes.resume(id, plan);
    await engine.client.workflow.start('graphRun', {
      ...{ taskQueue: engine.taskQueue, workflowId, args: [{ project: 'resumed', graphRunId: id }] },
    });
    expect(await engine.ended(id)).toMatchObject({ state: 'SUCCESS', epoch: 2 });
    expect(begun).toEqual(['j29#1']);
    await expectProved(engine, id);
  });

  it.each(['first', 'latest'] as const)(
    'keeps what ended before when its execution is reset to its %s task',
    async (to) => {
      const project = `reset-${to}`;
      await engine.push({ project, jobs: chainOf(25) });
      const { id } = await engine.run(project);
      const before = await store.graphRuns.get(id);
      begun.length = 0;
      const handle = engine.client.workflow.getHandle(before.workflowId, runIdsOf(before).at(-1));
      const points = await resetPoints(handle);
      await resetWorkflow(handle, (to === 'first' ? points[0] : points.at(-1)) ?? 0, temporalAddress);
      await until(
        async () => ((await store.graphRuns.get(id)).epoch === 2 ? true : undefined),
        'it is taken over',
      );
      const run = await engine.ended(id);
      expect(run).toMatchObject({ state: 'SUCCESS', epoch: 2 });
      const reused = run.jobRuns.filter((job) => job.reused).map(({ job }) => job);
      expect([...reused.map((job) => `${job}#1`), ...begun]).toEqual(
        run.jobRuns.map(({ job }) => `${job}#1`),
      );
      expect(reused.length).toBeGreaterThan(10);
      expect(begun.length > 0).toBe(to === 'first');
      await expectProved(engine, id);
    },
  );

  it('of a workflow that was started outside keeps its one row', async () => {
    await engine.push({ project: 'outside', jobs: chainOf(25) });
    const handle = await engine.startOutside('graphRun', { project: 'outside' });
    await handle.result();
    const { items } = await store.graphRuns.list({ project: 'outside' }, { limit: 9 });
    expect(items).toMatchObject([
      { state: 'SUCCESS', origin: 'temporal', epoch: 1, workflowId: handle.workflowId },
    ]);
    await expectProved(engine, items[0]?.id ?? '');
  });
});
