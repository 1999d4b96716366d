import { describe, expect, it } from 'vitest';
import { replay, takeHistory } from '../replay/histories.ts';
import { expectProved } from '../support/expect-proved.ts';
import { reasonsOf, usePooled } from '../support/pooled.ts';
import { resetPoints, resetWorkflow } from '../support/reset.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';

const { engine, seen, putPool, hold, untilReasons, isFree } = await usePooled();
const { store, client } = engine;
const sql = await useSql(engine.databaseUrl);
const claims = () => sql.query('SELECT FROM pool_claim');
const untilEpoch = (id: string, epoch: number) =>
  until(
    async () => ((await store.graphRuns.get(id)).epoch === epoch ? true : undefined),
    `the reset of ${id} is adopted`,
  );
type Handle = Awaited<ReturnType<typeof engine.start>>['handle'];
/** Behind that in which its jobs asked: the one in which it hears of the first end. */
const secondPoint = (handle: Handle) =>
  until(async () => (await resetPoints(handle))[1], 'the second workflow task is completed');
const resetToSecond = async (handle: Handle) => resetWorkflow(handle, await secondPoint(handle));

describe('a job that waits for a pool, or holds slots of it,', () => {
  it('keeps what it has or its place when its run is reset, and all of it is free at the end', async () => {
    await putPool('one', 1);
    await hold('again', { waits: { kind: 'counted', pools: { one: 1 } } });
    const { id, handle } = await engine.start('again');
    await untilReasons(id, { holds: 'RUNNING', waits: 'slot' });
    const [first = 0] = await resetPoints(handle);
    await resetWorkflow(handle, first);
    await until(async () => {
      const run = await store.graphRuns.get(id);
      return run.epoch === 2 && run.jobCounts.RUNNING === 1 ? true : undefined;
    }, 'the reset runs');
    expect(await claims()).toHaveLength(2);
    await client.workflow.getHandle(handle.workflowId).cancel();
    await engine.ended(id);
    await isFree('one');
    await expectProved(engine, id);
  });

  it('asks anew after a reset, whatever it was told before', async () => {
    await putPool('one', 1);
    for (const project of ['r-first', 'r-second', 'r-third']) await hold(project);
    const first = await engine.start('r-first');
    await untilReasons(first.id, { holds: 'RUNNING' });
    const second = await engine.start('r-second');
    await untilReasons(second.id, { holds: 'slot' });
    const third = await engine.start('r-third');
    await untilReasons(third.id, { holds: 'slot' });
    await first.handle.cancel();
    await untilReasons(second.id, { holds: 'RUNNING' });
    const [point = 0] = await resetPoints(second.handle);
    const runId = await resetWorkflow(second.handle, point);
    // The server brings the signal to the new execution as well.
    await until(async () => {
      const { events } = await client.workflow.getHandle(second.handle.workflowId, runId).fetchHistory();
      const at = (events ?? []).findLastIndex((event) => event.workflowExecutionSignaledEventAttributes);
      const isTaken = (events ?? []).slice(at).some((event) => event.workflowTaskCompletedEventAttributes);
      return at >= 0 && isTaken ? true : undefined;
    }, 'the new execution has heard what the old one was told');
    await untilReasons(third.id, { holds: 'RUNNING' });
    await untilReasons(second.id, { holds: 'slot' });
    expect(await store.pools.get('one')).toMatchObject({ held: 1, waiting: 1 });
    await third.handle.cancel();
    await untilReasons(second.id, { holds: 'RUNNING' });
    await client.workflow.getHandle(second.handle.workflowId).cancel();
    await engine.ended(second.id);
    await isFree('one');
  });

  it('keeps its place when its run is reset to a point behind that in which it asked', async () => {
    await putPool('one', 1);
    await hold('k-holder');
    const waits = { kind: 'counted', pools: { one: 1 } };
    await engine.push({ project: 'k-first', jobs: { free: { kind: 'counted' }, waits } });
    await engine.push({ project: 'k-second', jobs: { later: waits } });
    const holder = await engine.start('k-holder');
    await untilReasons(holder.id, { holds: 'RUNNING' });
    const first = await engine.start('k-first');
    await untilReasons(first.id, { free: 'SUCCESS', waits: 'slot' });
    const second = await engine.start('k-second');
    await untilReasons(second.id, { later: 'slot' });
    seen.begun.length = 0;
    await resetToSecond(first.handle);
    await untilEpoch(first.id, 2);
    await untilReasons(first.id, { free: 'SUCCESS', waits: 'slot' });
    await holder.handle.cancel();
    for (const { id } of [first, second]) expect((await engine.ended(id)).state).toBe('SUCCESS');
    expect(seen.begun).toEqual(['waits', 'later']);
    await isFree('one');
    for (const { id } of [first, second]) await expectProved(engine, id);
  });

  it('keeps what it holds when its run is reset to a point behind that in which it asked', async () => {
    await putPool('one', 1);
    await hold('h-next');
    const holds = { kind: 'endless', pools: { one: 1 } };
    await engine.push({ project: 'h-holder', jobs: { holds, free: { kind: 'counted' } } });
    const holder = await engine.start('h-holder');
    await untilReasons(holder.id, { holds: 'RUNNING', free: 'SUCCESS' });
    const next = await engine.start('h-next');
    await untilReasons(next.id, { holds: 'slot' });
    await resetToSecond(holder.handle);
    await untilEpoch(holder.id, 2);
    await untilReasons(holder.id, { holds: 'RUNNING', free: 'SUCCESS' });
    expect(reasonsOf(await store.graphRuns.get(next.id))).toEqual({ holds: 'slot' });
    expect(await store.pools.get('one')).toMatchObject({ held: 1, waiting: 1 });
    await client.workflow.getHandle(holder.handle.workflowId).cancel();
    await engine.ended(holder.id);
    await untilReasons(next.id, { holds: 'RUNNING' });
    await next.handle.cancel();
    await engine.ended(next.id);
    await isFree('one');
    for (const { id } of [holder, next]) await expectProved(engine, id);
  });

  it('waits again when its run is reset to a time before it had slots that another has by now', async () => {
    await putPool('one', 1);
    await hold('w-before');
    await hold('w-after');
    await engine.push({
      project: 'w-reset',
      jobs: {
        free: { kind: 'counted' },
        waits: { kind: 'counted', pools: { one: 1 } },
        tail: { kind: 'endless', dependsOn: ['waits'] },
      },
    });
    const before = await engine.start('w-before');
    await untilReasons(before.id, { holds: 'RUNNING' });
    const reset = await engine.start('w-reset');
    await untilReasons(reset.id, { free: 'SUCCESS', waits: 'slot', tail: 'upstream' });
    const point = await secondPoint(reset.handle);
    await before.handle.cancel();
    await untilReasons(reset.id, { free: 'SUCCESS', waits: 'SUCCESS', tail: 'RUNNING' });
    const after = await engine.start('w-after');
    await untilReasons(after.id, { holds: 'RUNNING' });
    const runId = await resetWorkflow(reset.handle, point);
    // The word of the slots that it had comes along: it begins, is found without them, and asks.
    await until(async () => {
      const { events } = await client.workflow.getHandle(reset.handle.workflowId, runId).fetchHistory();
      const failures = (events ?? []).flatMap(
        (event) => event.activityTaskFailedEventAttributes?.failure?.applicationFailureInfo?.type ?? [],
      );
      return failures.includes('SLOTS_NOT_HELD') ? true : undefined;
    }, 'it is found without slots');
    await untilReasons(reset.id, { free: 'SUCCESS', waits: 'slot', tail: 'upstream' });
    expect(await store.pools.get('one')).toMatchObject({ held: 1, waiting: 1 });
    await after.handle.cancel();
    await untilReasons(reset.id, { free: 'SUCCESS', waits: 'SUCCESS', tail: 'RUNNING' });
    const last = client.workflow.getHandle(reset.handle.workflowId);
    await last.cancel();
    await engine.ended(reset.id);
    await isFree('one');
    await expectProved(engine, reset.id);
    expect(await replay(last.workflowId, await takeHistory('slotless', last))).toBeUndefined();
  });
});
