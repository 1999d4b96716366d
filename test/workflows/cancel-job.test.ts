// Single jobs of a graph run that are cancelled: nobody tells their workflow but the watch.
import { describe, expect, it } from 'vitest';
import type { GraphDefinition } from '../../graph/definition.ts';
import type { GraphRunDetail } from '../../graph/resources.ts';
import { jobRunIdOf } from '../../store/index.ts';
import { useEngine } from '../support/engine.ts';
import { expectProved } from '../support/expect-proved.ts';
import { createHeld } from '../support/held.ts';
import { createTestKinds } from '../support/kinds.ts';
import { until } from '../support/until.ts';
import { useWatch } from '../support/watch.ts';

const { kinds, begun, stopped } = createTestKinds();
const held = createHeld();
const engine = await useEngine([...kinds, held.kind], undefined, { isIdle: true });
const { store } = engine;
let workers = await engine.startWorkers();
useWatch(engine);

const actor = 'key:somebody';
const cancel = (id: string, job: string) =>
  store.cancels.jobRun({ id: jobRunIdOf(id, job), note: 'not this one', actor });

const statesOf = (run: GraphRunDetail) =>
  Object.fromEntries(
    run.jobRuns.map(({ job, state, reason }) => [job, [state, reason].filter(Boolean).join('/')]),
  );

function untilStates(id: string, states: Record<string, string>): Promise<GraphRunDetail> {
  return until(
    async () => {
      const run = await store.graphRuns.get(id);
      const now = statesOf(run);
      return Object.entries(states).every(([job, state]) => now[job] === state) ? run : undefined;
    },
    `its jobs are ${JSON.stringify(states)}`,
  );
}

/** Starts a run, and waits until its jobs are as given. */
async function start(
  project: string,
  jobs: GraphDefinition['jobs'],
  states: Record<string, string>,
  more: Partial<GraphDefinition> = {},
) {
  await engine.push({ project, ...more, jobs });
  const run = await engine.start(project);
  await untilStates(run.id, states);
  return run;
}

const slow = { initialInterval: '1h', maximumInterval: '1h' };
const cancelled = 'FAILED/cancelled';

describe('a job of a graph run that is cancelled', () => {
  it('ends by itself, whether it works, waits for its next attempt or has not begun; the rest obeys its rules', async () => {
    const { id } = await start(
      'one',
      {
        works: { kind: 'endless' },
        waits: { kind: 'flaky', config: { failures: 9 }, retry: slow },
        top: { kind: 'held', config: { gate: 'one' } },
        later: { kind: 'noop', dependsOn: ['top'] },
        below: { kind: 'noop', dependsOn: ['later'] },
        anyway: { kind: 'noop', dependsOn: ['later'], runIf: 'all_done' },
        beside: { kind: 'noop', dependsOn: ['top'] },
      },
      { works: 'RUNNING', waits: 'PENDING/retry', top: 'RUNNING' },
    );
    await cancel(id, 'works');
    await untilStates(id, { works: cancelled });
    await cancel(id, 'waits');
    await cancel(id, 'later');
    const below = 'FAILED/upstream_failed';
    const run = await untilStates(id, { waits: cancelled, later: cancelled, anyway: 'SUCCESS', below });
    expect(statesOf(run)).toEqual({
      ...{ works: cancelled, waits: cancelled, top: 'RUNNING', later: cancelled },
      ...{ below, anyway: 'SUCCESS', beside: 'PENDING/upstream' },
    });
    expect(stopped).toEqual(['works']);
    const jobRun = await store.jobRuns.get(jobRunIdOf(id, 'later'));
    expect(jobRun).toMatchObject({ attempts: 0, cancelRequest: { by: actor, note: 'not this one' } });
    expect(await engine.verify(id)).toMatchObject({ verdict: 'equal', differences: [] });
    await expect(cancel(id, 'later')).rejects.toMatchObject({ code: 'RUN_HAS_ENDED' });
    held.letGo('one');
    const ended = await engine.ended(id);
    expect([ended.state, ended.reason, statesOf(ended).beside]).toEqual(['FAILED', 'job_failed', 'SUCCESS']);
    expect(begun).not.toContain('later#1');
    await expectProved(engine, id);
  });

  it('stops within two seconds once its workflow is told', async () => {
    const { id, handle } = await start('quick', { a: { kind: 'endless' } }, { a: 'RUNNING' });
    const at = performance.now();
    await handle.signal('graphrun:cancel-job', { job: 'a' });
    await handle.signal('graphrun:cancel-job', { job: 'no such job' });
    await handle.signal('graphrun:cancel-job');
    const run = await engine.ended(id);
    expect(performance.now() - at).toBeLessThan(5_000);
    expect(statesOf(run)).toEqual({ a: cancelled });
    await expectProved(engine, id);
  });

  it('before its run has begun ends once that has', async () => {
    await workers.stop();
    const a = { kind: 'held', config: { gate: 'early' } };
    await engine.push({ project: 'early', jobs: { a, b: { kind: 'noop', dependsOn: ['a'] } } });
    const { id } = await engine.start('early');
    expect(await cancel(id, 'b')).toMatchObject({ state: 'PENDING', toSend: null, toTell: null });
    workers = await engine.startWorkers();
    await untilStates(id, { a: 'RUNNING', b: cancelled });
    held.letGo('early');
    await engine.ended(id);
    await expectProved(engine, id);
  });

  it('is cancelled while its run is paused, and fails no run that allows its failure', async () => {
    const jobs = {
      a: { kind: 'held', config: { gate: 'allowed' } },
      b: { kind: 'noop', dependsOn: ['a'], allowFailure: true },
      c: { kind: 'noop', dependsOn: ['b'] },
    };
    const { id } = await start('allowed', jobs, { a: 'RUNNING' });
    await store.pauses.set({ id, paused: true, note: null, actor });
    await until(
      async () => ((await store.pauses.untold(null, 9)).length === 0 ? true : undefined),
      'it is told',
    );
    held.letGo('allowed');
    await untilStates(id, { a: 'SUCCESS', b: 'PENDING/paused' });
    await cancel(id, 'b');
    await untilStates(id, { b: cancelled, c: 'PENDING/paused' });
    expect(await engine.verify(id)).toMatchObject({ verdict: 'equal', explained: [] });
    await store.pauses.set({ id, paused: false, note: null, actor });
    expect(await engine.ended(id)).toMatchObject({ state: 'SUCCESS' });
    await expectProved(engine, id);
  });

  it.each(['stop', 'cancel'] as const)(
    'is one that failed to a run whose onFailure is %s',
    async (onFailure) => {
      const project = `on-failure-${onFailure}`;
      const jobs = {
        works: {
          kind: onFailure === 'stop' ? 'held' : 'endless',
          config: onFailure === 'stop' ? { gate: project } : {},
        },
        top: { kind: 'held', config: { gate: `${project}-top` } },
        below: { kind: 'noop', dependsOn: ['top'] },
        later: { kind: 'noop', dependsOn: ['works'] },
      };
      const { id } = await start(project, jobs, { works: 'RUNNING', top: 'RUNNING' }, { onFailure });
      await cancel(id, 'below');
      await untilStates(id, { below: cancelled });
      held.letGo(project);
      held.letGo(`${project}-top`);
      const run = await engine.ended(id);
      expect(run).toMatchObject({ state: 'FAILED', reason: 'job_failed' });
      expect(statesOf(run)).toMatchObject({ below: cancelled });
      expect(statesOf(run).later).toBe(onFailure === 'stop' ? cancelled : 'FAILED/upstream_failed');
      await expectProved(engine, id);
    },
  );

  it('waits for slots of a pool no more, and leaves its place in the line', async () => {
    await store.pools.put({ name: 'one', slots: 1, description: '', actor });
    const pools = { one: 1 };
    const jobs = {
      a: { kind: 'held', config: { gate: 'pool' }, pools },
      b: { kind: 'noop', pools, dependsOn: ['top'] },
      c: { kind: 'noop', pools, dependsOn: ['b'], runIf: 'all_done' as const },
      top: { kind: 'noop' },
    };
    const { id } = await start('pool', jobs, { a: 'RUNNING', b: 'PENDING/slot' });
    await cancel(id, 'b');
    await untilStates(id, { b: cancelled, c: 'PENDING/slot' });
    expect(await engine.verify(id)).toMatchObject({ verdict: 'equal', differences: [] });
    held.letGo('pool');
    const run = await engine.ended(id);
    expect(statesOf(run)).toMatchObject({ a: 'SUCCESS', b: cancelled, c: 'SUCCESS' });
    expect(await store.pools.get('one')).toMatchObject({ held: 0, waiting: 0 });
    await expectProved(engine, id);
  });

  it('runs again when its run is resumed', async () => {
    const jobs = { a: { kind: 'held', config: { gate: 'again' } }, b: { kind: 'noop', dependsOn: ['a'] } };
    const { id } = await start('again', jobs, { a: 'RUNNING' });
    await cancel(id, 'b');
    await untilStates(id, { b: cancelled });
    held.letGo('again');
    await engine.ended(id);
    const choice = { from: null, latest: false, plan: null, actor };
    const { workflowId } = await store.resumes.resume(id, choice);
    const args = [{ project: 'again', graphRunId: id }];
    await engine.client.workflow.start('graphRun', { taskQueue: engine.taskQueue, workflowId, args });
    expect(await engine.ended(id)).toMatchObject({ state: 'SUCCESS' });
    expect(await store.jobRuns.get(jobRunIdOf(id, 'b'))).toMatchObject({ cancelRequest: null, attempts: 1 });
    await expectProved(engine, id);
  });
});
