import { describe, expect, it } from 'vitest';
import type { AskedSlots } from '../../graph/asked-slots.ts';
import { actor, nothing, type Run, usePools } from './use-pools.ts';

const { store, sql, makeRun, put, ask, settle, close, heard, states } = await usePools();
const { execution } = store;

describe('a job that has asked for slots', () => {
  it('loses what it has to a reset, and its attempt that ends frees it', async () => {
    const [first, second] = [await makeRun(), await makeRun()];
    await ask(first, 'a');
    await ask(second, 'a', 'b');
    const identity = { ...first.request.identity, runId: `${first.runId}-reset` };
    await execution.adopt({ identity, kept: new Map(), asked: new Map(), epoch: 1, actor }, nothing);
    expect(heard()).toEqual([second.job('a')]);
    const attempt = {
      subject: { jobRunId: second.job('a'), project: 'p', job: 'a', graphRunId: second.id },
      ...{ fence: second.fence, worker: 'w', at: new Date() },
    };
    const first_ = { isFirst: true, needsToken: false, isAwaited: true };
    await store.recorder.start({ ...attempt, ...first_ });
    const error = { type: 'Error', message: 'again' };
    await store.recorder.end({
      ...attempt,
      mayHoldSlots: true,
      end: { kind: 'retry', reason: 'error', error },
    });
    // It waits for its next attempt with what it has.
    expect(heard()).toEqual([second.job('a')]);
    const later = { ...attempt, fence: { ...second.fence, scheduledAtMs: 2_000 } };
    const ended = await store.recorder.end({
      ...later,
      mayHoldSlots: true,
      end: { kind: 'success', output: null },
    });
    // Its own run is told with its end, and by nobody else.
    expect(ended).toEqual({ verdict: 'recorded', granted: [{ job: 'b', number: expect.any(Number) }] });
    expect(heard()).toEqual([second.job('a')]);
    const untold = async () =>
      (await store.watch.untoldGrants(new Date(Date.now() + 60_000), 10)).map(({ jobRunId }) => jobRunId);
    expect(await untold()).toContain(second.job('b'));
    // It has been told, since it has begun.
    const subject = { ...attempt.subject, jobRunId: second.job('b'), job: 'b' };
    await store.recorder.start({ ...attempt, subject, ...first_ });
    expect(await untold()).not.toContain(second.job('b'));
    await close(second);
    await close({ ...first, runId: identity.runId });
  });

  it('keeps its number over a reset, and waits no more where its pool is gone by then', async () => {
    const [first, second] = [await makeRun(), await makeRun()];
    await ask(first, 'a');
    const resetOf = (run: Run, asked: readonly (readonly [string, AskedSlots])[]) => {
      const identity = { ...run.request.identity, runId: `${run.runId}-reset` };
      return execution.adopt({ identity, kept: new Map(), asked: new Map(asked), epoch: 1, actor }, nothing);
    };
    // It has ended, and given back what it had.
    await settle(second, 'b');
    await resetOf(second, [['b', { number: 7 }]]);
    expect(await states()).toEqual(['api: 0 held, 0 waiting', 'db: 1 held, 1 waiting']);
    await sql.query(`DELETE FROM pool WHERE name = 'db'`);
    await settle(first, 'a');
    await resetOf(first, [['a', { number: 9 }]]);
    const untold = await store.watch.untoldGrants(new Date(Date.now() + 60_000), 10);
    expect(untold).toMatchObject([{ jobRunId: first.job('a'), number: 9 }]);
    await put('db', 1);
    for (const run of [first, second]) await close({ ...run, runId: `${run.runId}-reset` });
    expect(await states()).toEqual(['api: 0 held, 0 waiting', 'db: 0 held, 0 waiting']);
  });

  it('counts as one that has its slots once it has ended, or where its pools are gone', async () => {
    const run = await makeRun();
    const holds = (...names: string[]) => execution.holdsSlots({ jobRunId: run.job('a'), pools: names });
    expect(await holds('db')).toBe(false);
    expect(await holds('gone')).toBe(true);
    await ask(run, 'a');
    expect(await holds('db')).toBe(true);
    expect(await holds('db', 'api')).toBe(false);
    await settle(run, 'a');
    expect(await holds('db', 'api')).toBe(true);
    await close(run);
  });
});
