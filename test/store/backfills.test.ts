import { describe, expect, test } from 'vitest';
import { carryOut } from '../cli/use-cli.ts';
import { actor, type Made, useBackfills } from './use-backfills.ts';

const {
  store,
  sql,
  makeBackfill,
  backfillOf,
  tend,
  get,
  runsOf,
  hoursOf,
  carryOutOpen,
  carryOutAgain,
  finish,
  eventsOf,
} = await useBackfills();

describe('a backfill', () => {
  test('makes so many runs at once, and the next when one has ended', async () => {
    const backfill = await makeBackfill({ note: 'a fix' });
    expect(backfill).toMatchObject({
      ...{ state: 'PENDING', reason: 'queued', order: 'oldest', atOnce: 3, schedule: 's', createdBy: 'test' },
      counts: { total: 10, left: 10, open: 0, skipped: 0 },
      nextSlot: '2026-01-01T00:00:00.000Z',
    });
    expect(await tend(backfill)).toHaveLength(3);
    expect(await tend(backfill)).toEqual([]);
    expect(await hoursOf(backfill)).toEqual([0, 1, 2]);
    const [first] = await runsOf(backfill);
    expect(first?.workflowId).toBe(`graph-run/${first?.id}/1`);
    await carryOut(store, first as Made, { a: { state: 'SUCCESS', reason: null } });
    expect(await tend(backfill)).toMatchObject([{ project: backfill.project }]);
    expect(await get(backfill)).toMatchObject({
      ...{ state: 'RUNNING', reason: null, nextSlot: '2026-01-01T04:00:00.000Z' },
      counts: { total: 10, left: 6, open: 3, success: 1, failed: 0 },
      estimateMs: expect.any(Number),
    });
    expect(await finish(backfill)).toMatchObject({
      ...{ state: 'SUCCESS', reason: null, nextSlot: null, estimateMs: 0, completedAt: expect.any(String) },
      counts: { total: 10, left: 0, open: 0, success: 10 },
    });
    expect(await hoursOf(backfill)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await eventsOf(backfill.project)).toEqual([
      'created PENDING test s a fix',
      'ended SUCCESS watch s',
    ]);
  });

  test('runs the newest times first, where that is asked for', async () => {
    const backfill = await makeBackfill({ order: 'newest' });
    await finish(backfill);
    expect(await hoursOf(backfill)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
  });

  test('makes runs of its schedule, each of its time', async () => {
    const { project, ...backfill } = await makeBackfill();
    await tend(backfill);
    const { items } = await store.graphRuns.list({ backfill: backfill.id }, { limit: 2 });
    expect(items).toMatchObject([
      { project, origin: 'backfill', schedule: 's', scheduledAt: '2026-01-01T02:00:00.000Z' },
      { backfillId: backfill.id, scheduledAt: '2026-01-01T01:00:00.000Z', createdBy: 'test' },
    ]);
  });

  test('skips times that had a run, also of another backfill of them beside it', async () => {
    const { project, ...backfill } = await makeBackfill({ atOnce: 2 });
    await tend(backfill);
    const other = await backfillOf(project, { atOnce: 100 });
    await tend(other);
    expect(await hoursOf(other)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    await carryOutOpen(other);
    expect(await finish(backfill)).toMatchObject({ state: 'SUCCESS', counts: { skipped: 8, success: 2 } });
    expect(await finish(other)).toMatchObject({ state: 'SUCCESS', counts: { skipped: 2, success: 8 } });
    const slots = await sql.query(
      'SELECT DISTINCT scheduled_at FROM graph_run WHERE project_name = $1 AND is_slot',
      [project],
    );
    expect(slots).toHaveLength(10);
  });

  test('gives them another run once, where that is asked for', async () => {
    const { project, ...backfill } = await makeBackfill({
      window: { from: '2026-01-01T08:00', to: '2026-01-01T08:00' },
    });
    await finish(backfill);
    const again = await backfillOf(project, { again: true });
    expect(await finish(again)).toMatchObject({ counts: { total: 10, skipped: 0, success: 10 } });
    expect((await runsOf(again)).map(({ isSlot }) => isSlot)).toEqual([
      ...[true, true, true, true, true, true, true, true, false, true],
    ]);
  });

  test('has failed once a run of it has, and succeeds when that goes on', async () => {
    const backfill = await makeBackfill({ atOnce: 10 });
    expect(await finish(backfill, [3, 7])).toMatchObject({
      ...{ state: 'FAILED', reason: 'run_failed' },
      counts: { success: 8, failed: 2 },
    });
    const [failed] = (await runsOf(backfill)).filter(({ hour }) => hour === 3);
    await store.resumes.resume(failed?.id ?? '', { from: null, latest: false, plan: null, actor });
    expect(await get(backfill)).toMatchObject({ state: 'RUNNING', completedAt: null, counts: { open: 1 } });
    await carryOutAgain(backfill);
    expect(await get(backfill)).toMatchObject({ state: 'FAILED', counts: { success: 9, failed: 1 } });
    await expect(
      store.backfills.resume({ id: backfill.id, failed: false, note: null, actor }),
    ).rejects.toMatchObject({
      code: 'BACKFILL_IS_DONE',
      message: expect.stringContaining('1 have failed'),
    });
    await store.backfills.resume({ id: backfill.id, failed: true, note: null, actor });
    expect(await get(backfill)).toMatchObject({ state: 'RUNNING', counts: { left: 1, failed: 0 } });
    await tend(backfill);
    await carryOutAgain(backfill);
    expect(await finish(backfill)).toMatchObject({ state: 'SUCCESS', counts: { success: 10, failed: 0 } });
  });

  test('keeps to the line of its project, with one run in it at most', async () => {
    const backfill = await makeBackfill({}, { maxOpenRuns: 1 });
    expect(await tend(backfill)).toHaveLength(1);
    const { project } = backfill;
    const other = await store.graphRuns.create({ project, params: {}, select: null, actor });
    expect(await tend(backfill)).toEqual([]);
    // One is let in when the first has ended, and the next one waits behind the other's.
    const [first] = await runsOf(backfill);
    await carryOut(store, first as Made, { a: { state: 'SUCCESS', reason: null } });
    expect(await store.backfills.open(500)).toContainEqual({ id: backfill.id, isDue: true });
    expect(await tend(backfill)).toEqual([]);
    const { items } = await store.graphRuns.list({ project }, { limit: 9 });
    expect(items.map(({ reason }) => reason)).toEqual(['slot', 'slot', 'queued', null]);
    expect(items[1]?.id).toBe(other.id);
    expect(await store.backfills.open(500)).toContainEqual({ id: backfill.id, isDue: false });
    expect(await hoursOf(backfill)).toEqual([0, 1, 2]);
    expect(await get(backfill)).toMatchObject({ counts: { open: 2, left: 7 } });
  });

  test('is made by several at once as by one', async () => {
    const backfill = await makeBackfill({ atOnce: 4 });
    for (let rounds = 0; rounds < 4; rounds += 1) {
      await Promise.all([1, 2, 3].map(() => tend(backfill)));
      const open = (await runsOf(backfill)).filter(({ isOpen }) => isOpen);
      expect(open.length).toBeLessThanOrEqual(4);
      await carryOutOpen(backfill);
    }
    await Promise.all([1, 2, 3].map(() => tend(backfill)));
    expect(await get(backfill)).toMatchObject({ state: 'SUCCESS', counts: { success: 10 } });
    expect(await hoursOf(backfill)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect((await eventsOf(backfill.project)).filter((told) => told.startsWith('ended'))).toHaveLength(1);
  });
});

/** Carries out runs that were resumed, at their epoch. */
