import { describe, expect, it } from 'vitest';
import { pushPooled } from '../support/graphs.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';
import { actor, usePools } from './use-pools.ts';

const { databaseUrl, store, sql, makeRun, put, ask, settle, close, heard, states } = await usePools();
const { pools } = store;
const other = await useSql(databaseUrl);

describe('a job that asks for slots', () => {
  it('has them at once, or waits for its turn, and has its place when it asks again', async () => {
    const [first, second] = [await makeRun(), await makeRun()];
    expect(await ask(first, 'a', 'b', 'none')).toEqual({
      outcome: 'asked',
      granted: [first.job('a'), first.job('none')],
    });
    expect(await ask(second, 'a')).toEqual({ outcome: 'asked', granted: [] });
    // Asked again, as by an execution that goes on from another: nobody's place changes.
    expect(await ask(first, 'b', 'a')).toEqual({ outcome: 'asked', granted: [first.job('a')] });
    expect(heard()).toEqual([]);
    await settle(first, 'a');
    expect(heard()).toEqual([first.job('b')]);
    await settle(first, 'b');
    expect(heard()).toEqual([first.job('b'), second.job('a')]);
    await close(first);
    await close(second);
    expect(await states()).toEqual(['api: 0 held, 0 waiting', 'db: 0 held, 0 waiting']);
  });

  it('is shown as PENDING/slot, and told as that once', async () => {
    const run = await makeRun();
    await ask(run, 'a', 'b');
    await ask(run, 'a', 'b');
    const { jobRuns } = await store.graphRuns.get(run.id);
    expect(jobRuns.map(({ job, reason }) => [job, reason])).toEqual([
      ['a', 'queued'],
      ['b', 'slot'],
      ['both', 'slot'],
      ['none', 'queued'],
    ]);
    expect(await store.jobRuns.get(run.job('b'))).toMatchObject({ state: 'PENDING', reason: 'slot' });
    await settle(run, 'a');
    const events = await sql.query(
      `SELECT job, state, reason FROM event WHERE graph_run_id = $1 AND type = 'job_run' ORDER BY number`,
      [run.id],
    );
    expect(events).toEqual([
      { job: 'b', state: 'PENDING', reason: 'slot' },
      { job: 'a', state: 'FAILED', reason: 'cancelled' },
      { job: 'b', state: 'PENDING', reason: null },
    ]);
    await close(run);
  });

  it('gets all of its pools at once, and is not passed by those behind it', async () => {
    const [first, second, third] = [await makeRun(), await makeRun(), await makeRun()];
    await ask(first, 'a');
    await ask(second, 'both');
    expect(await ask(third, 'a')).toEqual({ outcome: 'asked', granted: [] });
    expect(await states()).toEqual(['api: 0 held, 1 waiting', 'db: 1 held, 2 waiting']);
    await close(first);
    expect(heard()).toEqual([second.job('both')]);
    expect(await states()).toEqual(['api: 2 held, 0 waiting', 'db: 1 held, 1 waiting']);
    await close(second);
    expect(heard()).toEqual([second.job('both'), third.job('a')]);
    await close(third);
  });

  it('gets all of its pools from one that ends while it asks', async () => {
    const [first, second] = [await makeRun(), await makeRun()];
    await ask(first, 'a');
    const blocked = (count: number) =>
      until(async () => {
        const waiting = await sql.query(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return waiting.length === count ? true : undefined;
      }, `${count} wait for the pool`);
    await other.query('BEGIN');
    await other.query(`SELECT FROM pool WHERE name = 'db' FOR UPDATE`);
    const asked = ask(second, 'both');
    await blocked(1);
    // It meets nobody in the line yet.
    const ended = settle(first, 'a');
    await blocked(2);
    await other.query('COMMIT');
    expect(await asked).toEqual({ outcome: 'asked', granted: [] });
    await ended;
    await until(() => (heard().includes(second.job('both')) ? true : undefined), 'it has its slots');
    expect(await states()).toEqual(['api: 2 held, 0 waiting', 'db: 1 held, 0 waiting']);
    await close(first);
    await close(second);
  });

  it('goes on at once where it has ended, and is refused where another execution has its run', async () => {
    const run = await makeRun();
    await settle(run, 'a');
    expect(await ask(run, 'a')).toEqual({ outcome: 'asked', granted: [run.job('a')] });
    expect(await ask({ ...run, runId: 'another' }, 'b')).toEqual({ outcome: 'lost' });
    await close(run);
    expect(await ask(run, 'b')).toEqual({ outcome: 'lost' });
    expect(await sql.query('SELECT FROM pool_claim')).toEqual([]);
  });

  it('by hundreds at once leaves nothing, and never gets more than there is', async () => {
    const runs = await Promise.all(Array.from({ length: 6 }, makeRun));
    const most = { db: 0, api: 0 };
    await Promise.all(
      runs.map(async (run) => {
        await ask(run, 'a', 'both', 'b');
        for (let left = ['a', 'b', 'both']; left.length > 0; ) {
          for (const { name, held } of await pools.list())
            if (name === 'db' || name === 'api') most[name] = Math.max(most[name], held);
          const asked = await ask(run, ...left);
          const ready = left.filter(
            (key) => asked.outcome === 'asked' && asked.granted.includes(run.job(key)),
          );
          await settle(run, ...ready);
          left = left.filter((key) => !ready.includes(key));
        }
      }),
    );
    expect(most).toEqual({ db: 1, api: 2 });
    expect(await sql.query('SELECT FROM pool_claim')).toEqual([]);
    expect(await store.watch.tendPools('watch')).toBe(0);
    for (const run of runs) await close(run);
  });
});

describe('the watch', () => {
  it('frees what job runs hold that were ended by hand, and gives it to the next', async () => {
    const run = await makeRun();
    await ask(run, 'a', 'b');
    await sql.query(
      `UPDATE job_run SET state = 'FAILED', reason = 'cancelled', completed_at = now() WHERE id = $1`,
      [run.job('a')],
    );
    await store.watch.tendPools('watch');
    expect(heard()).toEqual([run.job('b')]);
    const untold = () => store.watch.untoldGrants(new Date(Date.now() + 60_000), 10);
    const grants = await untold();
    expect(grants).toMatchObject([{ jobRunId: run.job('b') }]);
    // Told of a request of before, that has been replaced.
    await store.watch.noteTold(grants.map((grant) => ({ ...grant, number: grant.number - 1 })));
    expect(await untold()).toEqual(grants);
    await store.watch.noteTold(grants);
    expect(await untold()).toEqual([]);
    await close(run);
  });
});

describe('a pool', () => {
  it('is given out further when it grows, and takes nothing back when it shrinks', async () => {
    await put('db', 2);
    const [first, second] = [await makeRun(), await makeRun()];
    await ask(first, 'a', 'b');
    await ask(second, 'a');
    await put('db', 1);
    expect(await pools.get('db')).toMatchObject({ slots: 1, held: 2, waiting: 1 });
    await settle(first, 'a');
    expect(heard()).toEqual([]);
    await settle(first, 'b');
    expect(heard()).toEqual([second.job('a')]);
    await close(first);
    await ask(second, 'b');
    await put('db', 3);
    expect(heard()).toEqual([second.job('a'), second.job('b')]);
    await close(second);
    await put('db', 1);
  });

  it('that is asked for cannot be deleted, nor made smaller than what is asked', async () => {
    await expect(pools.remove('db', actor)).rejects.toMatchObject({
      code: 'POOL_IN_USE',
      message: expect.stringContaining('"p"'),
    });
    await expect(put('api', 1)).rejects.toMatchObject({ code: 'POOL_IN_USE' });
    const run = await makeRun();
    await ask(run, 'a');
    await pushPooled(store, 'p', { a: {} });
    await expect(pools.remove('db', actor)).rejects.toMatchObject({
      code: 'POOL_IN_USE',
      message: expect.stringContaining('held or waited for'),
    });
    await settle(run, 'a');
    await pools.remove('db', actor);
    await expect(pools.get('db')).rejects.toMatchObject({ code: 'POOL_UNKNOWN' });
    await expect(pools.remove('db', actor)).rejects.toMatchObject({ code: 'POOL_UNKNOWN' });
    // The run is pinned to a graph that asks for it: a pool that is not there limits nobody.
    expect(await ask(run, 'b')).toEqual({ outcome: 'asked', granted: [run.job('b')] });
    await close(run);
    await expect(pushPooled(store, 'p', { a: { db: 1 } })).rejects.toMatchObject({
      code: 'GRAPH_INVALID',
      problems: [{ code: 'POOL_UNKNOWN', path: '/jobs/a/pools/db' }],
    });
  });
});
