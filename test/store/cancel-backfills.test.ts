import { describe, expect, test } from 'vitest';
import type { BackfillView } from '../../graph/schedules/backfills.ts';
import { carryOut } from '../cli/use-cli.ts';
import { actor, type Made, useBackfills } from './use-backfills.ts';

const { store, makeBackfill, tend, get, runsOf, hoursOf, carryOutOpen, carryOutAgain, finish, eventsOf } =
  await useBackfills();

describe('a cancel', () => {
  const cancel = ({ id }: Pick<BackfillView, 'id'>, running = false) =>
    store.backfills.cancel({ id, running, note: 'enough', actor });
  const resume = ({ id }: Pick<BackfillView, 'id'>) =>
    store.backfills.resume({ id, failed: false, note: null, actor });

  test('stops new runs at once, and lets the open ones end', async () => {
    const backfill = await makeBackfill();
    await tend(backfill);
    expect(await cancel(backfill)).toMatchObject({
      ...{ state: 'FAILED', reason: 'cancelled', toSend: [], stop: { by: 'test', note: 'enough' } },
      counts: { left: 7, open: 3, cancelled: 0 },
    });
    await carryOutOpen(backfill);
    expect(await tend(backfill)).toEqual([]);
    expect(await store.backfills.open(500)).not.toContainEqual(expect.objectContaining({ id: backfill.id }));
    expect(await get(backfill)).toMatchObject({ counts: { left: 7, open: 0, success: 3 } });
    expect(await resume(backfill)).toMatchObject({ state: 'RUNNING', stop: null });
    expect(await finish(backfill)).toMatchObject({ state: 'SUCCESS', counts: { success: 10 } });
    expect(await eventsOf(backfill.project)).toEqual([
      ...['created PENDING test s', 'cancelled FAILED test s enough'],
      ...['resumed RUNNING test s', 'ended SUCCESS watch s'],
    ]);
  });

  test('with `running` cancels the open ones, which go on first when it is resumed', async () => {
    const backfill = await makeBackfill({}, { maxOpenRuns: 1 });
    await tend(backfill);
    const cancelled = await cancel(backfill, true);
    // One of the two waits in line, and has no workflow that could end it.
    expect(cancelled).toMatchObject({
      counts: { open: 1, cancelled: 1 },
      toSend: [{ cancelRequest: { note: 'enough' } }],
    });
    const [first] = await runsOf(backfill);
    await carryOut(store, first as Made, { a: { state: 'FAILED', reason: 'cancelled' } });
    expect(await get(backfill)).toMatchObject({ counts: { open: 0, cancelled: 2, left: 8 } });
    expect(await resume(backfill)).toMatchObject({ counts: { cancelled: 0, left: 10 } });
    expect(await tend(backfill)).toHaveLength(1);
    const again = await store.events.list({ after: 0, limit: 500, project: backfill.project });
    expect(again.items.filter(({ type, epoch }) => type === 'graph_run' && epoch === 2)).toMatchObject([
      { state: 'PENDING', actor: 'test' },
      { state: 'PENDING', reason: 'slot', actor: 'test' },
    ]);
    const runs = await runsOf(backfill);
    expect(runs.map(({ hour, epoch }) => [hour, epoch])).toEqual([
      [0, 2],
      [1, 2],
    ]);
    await carryOutAgain(backfill);
    expect(await finish(backfill)).toMatchObject({ state: 'SUCCESS', counts: { success: 10, cancelled: 0 } });
    expect(await hoursOf(backfill)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('of one that is cancelled already changes nothing, but may cancel the open runs', async () => {
    const backfill = await makeBackfill();
    await tend(backfill);
    await cancel(backfill);
    expect(await cancel(backfill)).toMatchObject({ reason: 'cancelled', toSend: [] });
    expect((await cancel(backfill, true)).toSend).toHaveLength(3);
    expect(await eventsOf(backfill.project)).toHaveLength(3);
  });

  test('a run that comes to its end in spite of it does not run again', async () => {
    const backfill = await makeBackfill();
    await tend(backfill);
    await cancel(backfill, true);
    await resume(backfill);
    // They are open still, so that there is no place for others.
    expect(await tend(backfill)).toEqual([]);
    await carryOutOpen(backfill);
    expect(await finish(backfill)).toMatchObject({ counts: { success: 10 } });
    expect((await runsOf(backfill)).map(({ epoch }) => epoch)).toEqual(Array(10).fill(1));
  });

  test('of one that has ended is refused, and so is a resume of one that goes on', async () => {
    const backfill = await makeBackfill();
    await expect(resume(backfill)).rejects.toMatchObject({ code: 'BACKFILL_IS_OPEN' });
    await finish(backfill);
    await expect(cancel(backfill)).rejects.toMatchObject({ code: 'BACKFILL_HAS_ENDED' });
    await expect(resume(backfill)).rejects.toMatchObject({ code: 'BACKFILL_IS_DONE' });
  });

  test('of one whose runs are all made needs to be of the runs', async () => {
    const backfill = await makeBackfill({ atOnce: 10 });
    await tend(backfill);
    await expect(cancel(backfill)).rejects.toMatchObject({
      code: 'BACKFILL_HAS_ENDED',
      message: expect.stringContaining('10 of them still open'),
    });
    expect(await cancel(backfill, true)).toMatchObject({ state: 'FAILED', reason: 'cancelled' });
    // All of them come to their ends in spite of it.
    await carryOutOpen(backfill);
    expect(await get(backfill)).toMatchObject({ state: 'SUCCESS', reason: null, counts: { success: 10 } });
    await expect(resume(backfill)).rejects.toMatchObject({ code: 'BACKFILL_IS_DONE' });
  });
});
