import { describe, expect, it } from 'vitest';
import { replay, takeHistory } from '../replay/histories.ts';
import { expectProved } from '../support/expect-proved.ts';
import { type Jobs, reasonsOf, usePooled, wide } from '../support/pooled.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';

const { engine, seen, putPool, hold, untilReasons, isFree } = await usePooled();
const { store } = engine;
const sql = await useSql(engine.databaseUrl);
const claims = () => sql.query('SELECT pool, granted_at IS NOT NULL AS granted FROM pool_claim');

describe('a pool of 3 with 50 jobs of 2 graphs', () => {
  it('never has more than 3 of them at work, tries of failed ones included, and leaves nothing', async () => {
    await putPool('narrow', 3);
    const job = { kind: 'counted', pools: { narrow: 1 } };
    const flaky = { ...job, config: { ms: 5, failures: 1 }, retry: { initialInterval: '10ms' } };
    await engine.push({
      project: 'left',
      jobs: { ...wide(20, job), ...{ a: flaky, b: flaky, c: flaky, d: flaky, e: flaky } },
    });
    await engine.push({ project: 'right', jobs: wide(25, job) });
    const runs = await Promise.all([engine.start('left'), engine.start('right')]);
    const ended = await Promise.all(runs.map(({ id }) => engine.ended(id)));
    expect(ended.map(({ state }) => state)).toEqual(['SUCCESS', 'SUCCESS']);
    expect(seen.most).toBe(3);
    expect(await claims()).toEqual([]);
    for (const { id } of runs) await expectProved(engine, id);
    // Told with the ends of its own jobs, as a rule, and not by signals.
    const lengths = await Promise.all(
      runs.map(async ({ handle }) => (await handle.describe()).historyLength),
    );
    for (const length of lengths) expect(length).toBeLessThan(25 * 8);
  });

  it('costs a wide graph that finds room one event more', async () => {
    await putPool('roomy', 100);
    const lengthOf = async (project: string, pools: Jobs[string]['pools']) => {
      await engine.push({
        project,
        jobs: wide(30, { kind: 'counted', config: { ms: 300 }, ...(pools && { pools }) }),
      });
      const { id, handle } = await engine.start(project);
      await engine.ended(id);
      await handle.result();
      const { events = [] } = await handle.fetchHistory();
      return {
        markers: (events ?? []).filter((event) => event.markerRecordedEventAttributes).length,
        signals: (events ?? []).filter((event) => event.workflowExecutionSignaledEventAttributes).length,
      };
    };
    const without = await lengthOf('roomy-without', undefined);
    expect(await lengthOf('roomy-with', { roomy: 1 })).toEqual({ ...without, markers: without.markers + 1 });
  });
});

describe('a pool of one slot', () => {
  it('does not double the history of a wide graph', async () => {
    await putPool('single', 1);
    const lengthOf = async (project: string, job: Jobs[string]) => {
      await engine.push({ project, jobs: wide(40, job) });
      const { id, handle } = await engine.start(project);
      await engine.ended(id);
      await handle.result();
      const { events } = await handle.fetchHistory();
      const signals = (events ?? []).filter((event) => event.workflowExecutionSignaledEventAttributes);
      return { handle, events: events?.length ?? 0, signals: signals.length };
    };
    const one = { kind: 'counted', config: { ms: 1 } };
    const chained = { ...one, pools: { single: 1 } };
    const [without, pooled] = [await lengthOf('s-without', one), await lengthOf('s-pooled', chained)];
    // The end of one tells of the next: no signal, and a workflow task for each, as in a chain.
    expect(pooled.signals).toBe(0);
    expect(pooled.events).toBeLessThan(2 * without.events);
    expect(
      await replay(pooled.handle.workflowId, await takeHistory('one-slot', pooled.handle)),
    ).toBeUndefined();
  });
});

describe('a job that waits for a pool', () => {
  it('is PENDING/slot, told by explain with who holds it, and holds up no job beside it', async () => {
    await putPool('one', 1);
    await hold('holder');
    await engine.push({
      project: 'waiter',
      jobs: {
        free: { kind: 'counted' },
        waits: { kind: 'counted', pools: { one: 1 } },
        below: { kind: 'counted', dependsOn: ['waits'] },
      },
    });
    const holder = await engine.start('holder');
    await untilReasons(holder.id, { holds: 'RUNNING' });
    const waiter = await engine.start('waiter');
    await untilReasons(waiter.id, { free: 'SUCCESS', waits: 'slot', below: 'upstream' });
    const { jobs } = await engine.inspector.explainGraphRun(waiter.id);
    expect(jobs.find(({ job }) => job === 'waits')).toMatchObject({
      reason: 'slot',
      message: `waits for slots: 1 of pool "one": it is the next; 0 of 1 free; held by holder/holds (${holder.id})`,
    });
    expect(await store.pools.get('one')).toMatchObject({ held: 1, waiting: 1 });
    const told = await sql.query(
      `SELECT state, reason FROM event WHERE graph_run_id = $1 AND job = 'waits' ORDER BY number`,
      [waiter.id],
    );
    expect(told).toEqual([{ state: 'PENDING', reason: 'slot' }]);
    // However its holder ends: here by Temporal's own terminate.
    await holder.handle.terminate();
    expect((await engine.ended(waiter.id)).state).toBe('SUCCESS');
    await isFree('one');
    await expectProved(engine, waiter.id);
  });

  it('ends with the cancel of its run, or with a failure that stops it, and leaves the line', async () => {
    await putPool('one', 1);
    await hold('first');
    await hold('second', { also: { kind: 'counted', pools: { one: 1 } } });
    await engine.push({
      project: 'third',
      onFailure: 'stop',
      jobs: {
        waits: { kind: 'counted', pools: { one: 1 } },
        bad: { kind: 'flaky', config: { failures: 9 }, retry: { maximumAttempts: 1 } },
      },
    });
    const first = await engine.start('first');
    await untilReasons(first.id, { holds: 'RUNNING' });
    const second = await engine.start('second');
    await untilReasons(second.id, { holds: 'slot', also: 'slot' });
    const third = await engine.start('third');
    expect(reasonsOf(await engine.ended(third.id))).toEqual({ waits: 'cancelled', bad: 'error' });
    await second.handle.cancel();
    expect(reasonsOf(await engine.ended(second.id))).toEqual({ holds: 'cancelled', also: 'cancelled' });
    expect(await store.pools.get('one')).toMatchObject({ held: 1, waiting: 0 });
    await first.handle.cancel();
    await engine.ended(first.id);
    await isFree('one');
    for (const { id } of [first, second, third]) await expectProved(engine, id);
  });

  it('alone waits as well, and is cancelled while it does', async () => {
    await putPool('one', 1);
    await hold('lone');
    const first = await engine.startLone('lone', 'holds');
    await until(
      async () => ((await store.jobRuns.get(first.id)).state === 'RUNNING' ? true : undefined),
      'it runs',
    );
    const second = await engine.startLone('lone', 'holds');
    const third = await engine.startLone('lone', 'holds');
    const reasonOf = async (id: string) => (await store.jobRuns.get(id)).reason;
    for (const { id } of [second, third])
      await until(async () => ((await reasonOf(id)) === 'slot' ? true : undefined), 'it waits');
    await second.handle.cancel();
    expect(await engine.endedJob(second.id)).toMatchObject({
      state: 'FAILED',
      reason: 'cancelled',
      attempts: 0,
    });
    await first.handle.cancel();
    await until(
      async () => ((await store.jobRuns.get(third.id)).state === 'RUNNING' ? true : undefined),
      'it runs',
    );
    await third.handle.cancel();
    await engine.endedJob(third.id);
    await isFree('one');
  });
});

describe('jobs that wait for pools', () => {
  it('get them as they came, the higher priority first, several pools at once', async () => {
    await putPool('one', 1);
    await putPool('two', 1);
    await engine.push({
      project: 'turns',
      jobs: {
        blocks: { kind: 'counted', config: { ms: 800 }, pools: { one: 1 } },
        begin: { kind: 'noop' },
        a: { kind: 'counted', pools: { one: 1 }, dependsOn: ['begin'] },
        b: { kind: 'counted', pools: { two: 1, one: 1 }, dependsOn: ['begin'] },
        c: { kind: 'counted', pools: { one: 1, two: 1 }, dependsOn: ['begin'] },
        d: { kind: 'counted', pools: { one: 1 }, priority: 7, dependsOn: ['begin'] },
        e: { kind: 'counted', pools: { two: 1 }, priority: -7, dependsOn: ['begin'] },
      },
    });
    const { id } = await engine.start('turns');
    expect((await engine.ended(id)).state).toBe('SUCCESS');
    expect(seen.begun).toEqual(['blocks', 'd', 'a', 'b', 'c', 'e']);
    expect(await claims()).toEqual([]);
  });

  it('take no slots that their run cannot use yet', async () => {
    await putPool('vast', 300);
    await engine.push({ project: 'vast', jobs: wide(130, { kind: 'endless', pools: { vast: 1 } }) });
    const { id, handle } = await engine.start('vast');
    await until(async () => {
      const { held, waiting } = await store.pools.get('vast');
      return held === 100 && waiting === 0 ? true : undefined;
    }, 'as many hold slots as may run');
    await handle.cancel();
    await engine.ended(id);
    await isFree('vast');
    await expectProved(engine, id);
  });

  it('of a run with more than may run at once all get their turn', async () => {
    await putPool('few', 40);
    await engine.push({
      project: 'many',
      jobs: wide(140, { kind: 'counted', config: { ms: 1 }, pools: { few: 1 } }),
    });
    const { id, handle } = await engine.start('many');
    const waiting = await until(async () => {
      const pool = await store.pools.get('few');
      return pool.waiting > 0 ? pool.waiting : undefined;
    }, 'some wait');
    expect(waiting).toBeLessThanOrEqual(100);
    expect((await engine.ended(id)).state).toBe('SUCCESS');
    expect(seen.most).toBeLessThanOrEqual(40);
    expect(await replay(handle.workflowId, await takeHistory('queueing', handle))).toBeUndefined();
    await expectProved(engine, id);
  });

  it('can use what they get though others take all places that a run has', async () => {
    await putPool('busy', 30);
    const endless = { kind: 'endless' };
    const pooled = Object.entries(wide(60, { ...endless, pools: { busy: 1 } }));
    await engine.push({
      project: 'full',
      jobs: { ...wide(120, endless), ...Object.fromEntries(pooled.map(([key, job]) => [`p_${key}`, job])) },
    });
    const { id, handle } = await engine.start('full');
    const isFull = async () => {
      const { raw } = await handle.describe();
      const given = (raw.pendingActivities ?? []).map(({ activityId }) => activityId ?? '');
      return given.length === 100 ? given.filter((job) => job.startsWith('p_')) : undefined;
    };
    expect(await until(isFull, 'as many are given to workers as may be')).toHaveLength(30);
    expect(await store.pools.get('busy')).toMatchObject({ held: 30 });
    await handle.cancel();
    await engine.ended(id);
    await isFree('busy');
    await expectProved(engine, id);
  });

  it('do not wait behind a crowd of jobs that need none, nor behind those of a lower priority', async () => {
    await putPool('quick', 1);
    const plain = { kind: 'counted', config: { ms: 1 } };
    const low = { ...plain, pools: { quick: 1 } };
    const jobs = Object.entries(wide(130, low)).map(([key, job]) => [`low_${key}`, job]);
    await engine.push({
      project: 'crowd',
      jobs: {
        ...wide(250, plain),
        ...Object.fromEntries(jobs),
        urgent: { ...low, priority: 5 },
      },
    });
    const { id } = await engine.start('crowd');
    expect((await engine.ended(id)).state).toBe('SUCCESS');
    const place = seen.begun.indexOf('urgent');
    expect(seen.begun.slice(0, place).filter((job) => job.startsWith('low_')).length).toBeLessThan(20);
    expect(seen.begun.slice(0, place).length).toBeLessThan(200);
  });

  it('are let on by more slots', async () => {
    await putPool('grows', 1);
    const endless = { kind: 'endless', pools: { grows: 1 } };
    await engine.push({ project: 'grows', jobs: { a: endless, b: endless, c: endless } });
    const { id, handle } = await engine.start('grows');
    await untilReasons(id, { a: 'RUNNING', b: 'slot', c: 'slot' });
    await putPool('grows', 2);
    await untilReasons(id, { a: 'RUNNING', b: 'RUNNING', c: 'slot' });
    await handle.cancel();
    await engine.ended(id);
    await isFree('grows');
  });
});
