// Runs that are paused: nobody tells their workflows but the watch, and whoever does it by hand.
import type { WorkflowHandle } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import type { GraphRunDetail } from '../../graph/resources.ts';
import { runSignals } from '../../workflows/contract.ts';
import { useEngine } from '../support/engine.ts';
import { expectProved } from '../support/expect-proved.ts';
import { createHeld } from '../support/held.ts';
import { createTestKinds } from '../support/kinds.ts';
import { resetPoints, resetWorkflow } from '../support/reset.ts';
import { useSql } from '../support/sql.ts';
import { temporalCli } from '../support/temporal-cli.ts';
import { until } from '../support/until.ts';
import { useWatch } from '../support/watch.ts';

const { kinds } = createTestKinds();
const held = createHeld();
const engine = await useEngine([...kinds, held.kind], undefined, { isIdle: true });
const { store } = engine;
let workers = await engine.startWorkers();
useWatch(engine);
const sql = await useSql(engine.databaseUrl);

const actor = 'key:somebody';
const pause = (id: string) => store.pauses.set({ id, paused: true, note: 'too hot', actor });
const unpause = (id: string) => store.pauses.set({ id, paused: false, note: null, actor: 'key:other' });
const byHand = ({ workflowId }: WorkflowHandle, name: string, ...more: readonly string[]) =>
  temporalCli('workflow', 'signal', '--workflow-id', workflowId, '--name', name, ...more);

const statesOf = (run: GraphRunDetail) =>
  Object.fromEntries(
    run.jobRuns.map(({ job, state, reason }) => [job, [state, reason].filter(Boolean).join('/')]),
  );

/** `a` works until it is let go; `b` and `c` follow it. */
async function start(project: string) {
  await engine.push({
    project,
    jobs: {
      a: { kind: 'held', config: { gate: project } },
      b: { kind: 'noop', dependsOn: ['a'] },
      c: { kind: 'noop', dependsOn: ['b'] },
    },
  });
  const run = await engine.start(project);
  await untilRun(run.id, ({ jobRuns }) => jobRuns[0]?.state === 'RUNNING', 'a works');
  return run;
}

function untilRun(id: string, is: (run: GraphRunDetail) => boolean, what: string): Promise<GraphRunDetail> {
  return until(async () => {
    const run = await store.graphRuns.get(id);
    return is(run) ? run : undefined;
  }, what);
}

/** The workflow has been told, and has no task left to do. */
async function untilHeard(handle: WorkflowHandle, signals: number): Promise<void> {
  await until(async () => {
    const { events = [] } = await handle.fetchHistory();
    const heard = events?.filter((event) => event.workflowExecutionSignaledEventAttributes).length ?? 0;
    const last = events?.at(-1);
    return heard >= signals &&
      !last?.workflowTaskScheduledEventAttributes &&
      !last?.workflowTaskStartedEventAttributes
      ? true
      : undefined;
  }, `it has heard ${signals} signals`);
}

/** `a` has ended, the workflow has seen it, and `b` is not scheduled. */
async function expectHeld(id: string, handle: WorkflowHandle): Promise<void> {
  const run = await until(async () => {
    const { events } = await handle.fetchHistory();
    const ended = events?.findLastIndex((event) => event.activityTaskCompletedEventAttributes) ?? -1;
    const seen = events?.findLastIndex((event) => event.workflowTaskCompletedEventAttributes) ?? -1;
    return ended >= 0 && seen > ended ? store.graphRuns.get(id) : undefined;
  }, 'the workflow has seen the end of a');
  expect(run).toMatchObject({ state: 'RUNNING', reason: 'paused' });
  expect(statesOf(run)).toEqual({ a: 'SUCCESS', b: 'PENDING/paused', c: 'PENDING/upstream' });
  const [b] = run.jobRuns.slice(1);
  expect(await store.jobRuns.get(b?.id ?? '')).toMatchObject({ state: 'PENDING', reason: 'paused' });
  expect((await engine.temporal.describeNewest(handle.workflowId))?.pending.size).toBe(0);
  expect(await engine.verify(id)).toMatchObject({ verdict: 'equal', differences: [], explained: [] });
}

async function expectGoneOn(id: string): Promise<void> {
  const run = await engine.ended(id);
  expect(run).toMatchObject({ state: 'SUCCESS', reason: null, pause: null });
  await expectProved(engine, id);
}

const pauseEvents = (id: string) =>
  sql.query(
    `SELECT type, actor, note FROM event WHERE graph_run_id = $1 AND type IN ('pause', 'unpause') ORDER BY number`,
    [id],
  );

describe('a paused run', () => {
  it('starts nothing new, lets end what is in flight, says who paused it, and goes on when it may', async () => {
    const { id, handle } = await start('paused');
    const { pause: asked } = await pause(id);
    expect(asked).toMatchObject({ by: actor, note: 'too hot' });
    await untilHeard(handle, 1);
    held.letGo('paused');
    await expectHeld(id, handle);
    expect((await store.graphRuns.get(id)).pause).toEqual(asked);
    const explained = await engine.inspector.explainGraphRun(id);
    expect(explained.run).toMatchObject({
      reason: 'paused',
      message: expect.stringMatching(
        /^It is paused, since \S+ by key:somebody \(too hot\)\. .* graphrun unpause /,
      ),
    });
    expect(explained.waiting).toEqual([
      { reason: 'paused', jobs: 1 },
      { reason: 'upstream', jobs: 1 },
    ]);
    await unpause(id);
    await expectGoneOn(id);
    expect(await pauseEvents(id)).toEqual([
      { type: 'pause', actor, note: 'too hot' },
      { type: 'unpause', actor: 'key:other', note: null },
    ]);
  });

  it('that was paused before a worker came starts nothing at all', async () => {
    await workers.stop();
    await engine.push({ project: 'early', jobs: { a: { kind: 'noop' } } });
    const { id, handle } = await engine.start('early');
    expect(await pause(id)).toMatchObject({ state: 'PENDING', reason: 'queued', toTell: null });
    workers = await engine.startWorkers();
    const run = await untilRun(id, ({ state }) => state === 'RUNNING', 'it is opened');
    expect([run.reason, statesOf(run)]).toEqual(['paused', { a: 'PENDING/paused' }]);
    await untilHeard(handle, 1);
    expect((await engine.temporal.describeNewest(handle.workflowId))?.pending.size).toBe(0);
    await unpause(id);
    await expectGoneOn(id);
  });

  it('stays so when its worker is gone, and goes on in another', async () => {
    const { id, handle } = await start('orphaned');
    await pause(id);
    await untilHeard(handle, 1);
    held.letGo('orphaned');
    await expectHeld(id, handle);
    await workers.stop();
    await unpause(id);
    await pause(id);
    workers = await engine.startWorkers();
    await untilHeard(handle, 2);
    await expectHeld(id, handle);
    await unpause(id);
    await expectGoneOn(id);
  });

  it('stays so over a reset', async () => {
    const { id, handle } = await start('reset');
    const [begin = 0] = await resetPoints(handle);
    await pause(id);
    await untilHeard(handle, 1);
    held.letGo('reset');
    await expectHeld(id, handle);
    await resetWorkflow(handle, begin);
    await untilRun(id, ({ epoch }) => epoch === 2, 'it is taken over');
    const run = await untilRun(
      id,
      ({ jobRuns }) => statesOf({ jobRuns } as GraphRunDetail).a === 'PENDING/paused',
      'a waits',
    );
    expect(run).toMatchObject({ state: 'RUNNING', reason: 'paused', pause: { by: actor } });
    await unpause(id);
    await expectGoneOn(id);
  });

  it('is cancelled as any other; a resume goes on without the pause, and can be paused again', async () => {
    const { id, handle } = await start('cancelled');
    await pause(id);
    await untilHeard(handle, 1);
    held.letGo('cancelled');
    await expectHeld(id, handle);
    await store.cancels.graphRun({ id, note: null, actor });
    const run = await engine.ended(id);
    expect(run).toMatchObject({ state: 'FAILED', reason: 'cancelled', pause: null });
    expect(statesOf(run)).toEqual({ a: 'SUCCESS', b: 'FAILED/cancelled', c: 'FAILED/cancelled' });
    await expectProved(engine, id);
    await expect(pause(id)).rejects.toMatchObject({ code: 'RUN_HAS_ENDED' });
    await expect(unpause(id)).rejects.toMatchObject({ code: 'RUN_HAS_ENDED' });
    const { workflowId } = await store.resumes.resume(id, { from: null, latest: false, plan: null, actor });
    expect(await store.graphRuns.get(id)).toMatchObject({ state: 'PENDING', pause: null });
    const { taskQueue } = engine;
    const args = [{ project: 'cancelled', graphRunId: id }];
    await engine.client.workflow.start('graphRun', { taskQueue, workflowId, args });
    await expectGoneOn(id);
  });
});

describe('a paused run with a pool', () => {
  it('begins no job though its slots are free, and all of them when it goes on', async () => {
    await store.pools.put({ name: 'narrow', slots: 1, description: '', actor });
    const pools = { narrow: 1 };
    const jobs = {
      a: { kind: 'held', config: { gate: 'pool' }, pools },
      b: { kind: 'noop', pools, dependsOn: ['top'] },
      top: { kind: 'noop' },
    };
    await engine.push({ project: 'pool', jobs });
    const { id, handle } = await engine.start('pool');
    await untilRun(
      id,
      (run) => statesOf(run).a === 'RUNNING' && statesOf(run).b === 'PENDING/slot',
      'b waits',
    );
    await pause(id);
    await untilHeard(handle, 1);
    held.letGo('pool');
    await untilRun(id, (run) => statesOf(run).a === 'SUCCESS', 'a has ended');
    await untilHeard(handle, 2);
    expect(await store.graphRuns.get(id)).toMatchObject({ state: 'RUNNING', reason: 'paused' });
    expect((await engine.temporal.describeNewest(handle.workflowId))?.pending.has('b')).toBe(false);
    await unpause(id);
    await expectGoneOn(id);
    expect(await store.pools.get('narrow')).toMatchObject({ held: 0, waiting: 0 });
  });
});

describe('a request that comes', () => {
  it('twice is the same as once', async () => {
    const { id, handle } = await start('twice');
    const first = await pause(id);
    expect((await store.pauses.set({ id, paused: true, note: 'again', actor: 'key:x' })).pause).toEqual(
      first.pause,
    );
    await untilHeard(handle, 1);
    expect(await unpause(id)).toMatchObject({ pause: null, reason: null });
    expect(await unpause(id)).toMatchObject({ pause: null, reason: null });
    await untilHeard(handle, 2);
    expect(await store.pauses.untold(null, 100)).toEqual([]);
    expect((await pauseEvents(id)).map(({ type }) => type)).toEqual(['pause', 'unpause']);
    // What was late, or is no request at all, changes nothing.
    await handle.signal(runSignals.setPause, { number: 1, paused: true });
    await handle.signal(runSignals.setPause, 'nonsense');
    held.letGo('twice');
    await expectGoneOn(id);
  });
});

describe('by hand', () => {
  it('a run is paused with a signal, and its row says so', async () => {
    const { id, handle } = await start('by-hand');
    await byHand(handle, 'pause', '--input', JSON.stringify({ by: 'me', note: 'a\0b', number: 7 }));
    const run = await untilRun(id, ({ reason }) => reason === 'paused', 'the row says so');
    expect(run.pause).toMatchObject({ by: 'temporal:me', note: 'a\uFFFDb' });
    held.letGo('by-hand');
    await expectHeld(id, handle);
    await byHand(handle, 'pause');
    await unpause(id);
    await expectGoneOn(id);
    expect(await pauseEvents(id)).toEqual([
      { type: 'pause', actor: 'temporal:me', note: 'a\uFFFDb' },
      { type: 'unpause', actor: 'key:other', note: null },
    ]);
    expect(await store.pauses.untold(null, 100)).toEqual([]);
  });

  it('a run goes on that the API has paused', async () => {
    const { id, handle } = await start('by-hand-on');
    await pause(id);
    await untilHeard(handle, 1);
    held.letGo('by-hand-on');
    await expectHeld(id, handle);
    await byHand(handle, 'unpause');
    await expectGoneOn(id);
    expect((await pauseEvents(id)).at(-1)).toEqual({ type: 'unpause', actor: 'temporal', note: null });
  });
});
