import { afterAll, describe, expect, it } from 'vitest';
import type { Fence } from '../../graph/transitions.ts';
import { createStore } from '../../store/index.ts';
import { useDatabases } from '../support/databases.ts';
import { pushNoops } from '../support/graphs.ts';
import { useSql } from '../support/sql.ts';
import { useRuns } from './runs.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
afterAll(() => store.close());
const sql = await useSql(databaseUrl);
const { recorder, execution } = store;
const openRun = useRuns(store);
await pushNoops(store, 'p', Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`j${index}`, []])));

function write(jobRunId: string, fence: Fence, worker = 'w1') {
  const subject = { jobRunId, project: 'p', job: 'j', graphRunId: null };
  return { subject, fence, worker, at: new Date() };
}

const start = (jobRunId: string, fence: Fence, needsToken = false) =>
  recorder.start({ ...write(jobRunId, fence), isFirst: true, needsToken, isAwaited: true });
const succeed = (jobRunId: string, fence: Fence, text = '1') => {
  const output = { text, bytes: text.length, hash: `hash of ${text}` };
  return recorder.end({ ...write(jobRunId, fence), end: { kind: 'success', output } });
};
const later = (fence: Fence): Fence => ({ ...fence, scheduledAtMs: fence.scheduledAtMs + 1_000 });

describe('the recorder', () => {
  it('records a start and an end that come in one batch', async () => {
    const run = await openRun();
    const answers = await Promise.all([start(run.job('j0'), run.fence), succeed(run.job('j0'), run.fence)]);
    expect(answers).toMatchObject([
      { verdict: 'started', attempt: 1, epoch: 1, token: null },
      { verdict: 'recorded' },
    ]);
    expect(await store.jobRuns.attempts(run.job('j0'))).toMatchObject([{ number: 1, state: 'SUCCESS' }]);
  });

  it('takes a write again whose answer was lost, and changes nothing', async () => {
    const run = await openRun();
    await start(run.job('j0'), run.fence);
    expect(await start(run.job('j0'), run.fence)).toMatchObject({ verdict: 'started', attempt: 1 });
    await succeed(run.job('j0'), run.fence);
    expect(await succeed(run.job('j0'), run.fence)).toEqual({ verdict: 'recorded' });
    expect(await store.jobRuns.attempts(run.job('j0'))).toHaveLength(1);
  });

  it('hands a recorded SUCCESS back to a later attempt instead of running the job again', async () => {
    const run = await openRun();
    await start(run.job('j0'), run.fence);
    await succeed(run.job('j0'), run.fence, '"kept"');
    expect(await start(run.job('j0'), later(run.fence))).toMatchObject({
      verdict: 'recorded',
      output: { text: '"kept"' },
    });
  });

  it('ends the attempt before as lost when a new one begins, and refuses what the old one writes then', async () => {
    const run = await openRun();
    await start(run.job('j0'), run.fence);
    await start(run.job('j0'), later(run.fence));
    expect(await succeed(run.job('j0'), run.fence)).toMatchObject({ verdict: 'superseded' });
    expect(await store.jobRuns.get(run.job('j0'))).toMatchObject({ state: 'RUNNING', attempts: 2 });
    expect(await store.jobRuns.attempts(run.job('j0'))).toMatchObject([
      { number: 1, state: 'FAILED', reason: 'lost', completedAt: expect.any(String) },
      { number: 2, state: 'RUNNING', completedAt: null },
    ]);
  });

  it('refuses an execution that never opened the run', async () => {
    const run = await openRun();
    expect(await start(run.job('j0'), { runId: 'stranger', scheduledAtMs: 1 })).toMatchObject({
      verdict: 'superseded',
    });
    expect(await store.jobRuns.get(run.job('j0'))).toMatchObject({ state: 'PENDING', attempts: 0 });
  });

  it('keeps a settled job closed to a late attempt, and lets a recorded SUCCESS win over a settle', async () => {
    const run = await openRun();
    const lost = { state: 'FAILED', reason: 'timed_out' } as const;
    await start(run.job('j0'), run.fence);
    const settle = (key: string) =>
      execution.settle(
        { runId: run.runId, actor: 'test', jobs: [{ jobRunId: run.job(key), end: lost, error: null }] },
        async () => new Map(),
      );
    expect(await settle('j0')).toMatchObject([{ end: lost }]);
    expect(await succeed(run.job('j0'), run.fence)).toMatchObject({ verdict: 'superseded' });
    expect(await store.jobRuns.attempts(run.job('j0'))).toMatchObject([
      { state: 'FAILED', reason: 'timed_out' },
    ]);
    await start(run.job('j1'), run.fence);
    await succeed(run.job('j1'), run.fence);
    expect(await settle('j1')).toMatchObject([{ end: { state: 'SUCCESS', reason: null } }]);
  });

  it('leaves a job as it is of which no attempt has begun in the execution, where that is asked for', async () => {
    const run = await openRun();
    const end = { state: 'FAILED', reason: 'lost' } as const;
    const settle = (key: string) =>
      execution.settle(
        {
          runId: run.runId,
          actor: 'test',
          jobs: [{ jobRunId: run.job(key), end, error: null, ifBegun: true }],
        },
        async () => new Map(),
      );
    expect(await settle('j0')).toMatchObject([{ end: null }]);
    expect(await store.jobRuns.get(run.job('j0'))).toMatchObject({ state: 'PENDING', attempts: 0 });
    await start(run.job('j0'), run.fence);
    expect(await settle('j0')).toMatchObject([{ end }]);
    expect(await settle('j0')).toMatchObject([{ end }]);
    expect(await store.jobRuns.get(run.job('j0'))).toMatchObject({ ...end, attempts: 1 });
  });

  it('gives every attempt that asks for one a token above all before', async () => {
    const run = await openRun();
    const answers = await Promise.all(['j0', 'j1', 'j2'].map((key) => start(run.job(key), run.fence, true)));
    const tokens = answers.map((answer) => (answer.verdict === 'started' ? Number(answer.token) : 0));
    expect(new Set(tokens).size).toBe(3);
    const next = await start(run.job('j0'), later(run.fence), true);
    expect(next.verdict === 'started' ? Number(next.token) : 0).toBeGreaterThan(Math.max(...tokens));
  });

  it('writes a job that ends at once in one transaction with its start', async () => {
    const run = await openRun();
    const at = write(run.job('j0'), run.fence);
    const started = recorder.start({ ...at, isFirst: true, needsToken: false, isAwaited: false });
    await Promise.all([started, succeed(run.job('j0'), run.fence)]);
    const [written] = await sql.query<{ transactions: number; events: number }>(
      `SELECT count(DISTINCT xmin::text)::int AS transactions, count(*)::int AS events FROM event WHERE job_run_id = $1`,
      [run.job('j0')],
    );
    expect(written).toEqual({ transactions: 1, events: 2 });
  });

  it('finds out when somebody has changed a row since it was written', async () => {
    const run = await openRun();
    await start(run.job('j0'), run.fence);
    await start(run.job('j1'), run.fence);
    const elsewhere = createStore({ databaseUrl });
    const newer = { ...write(run.job('j0'), later(run.fence), 'w2'), isFirst: true };
    await elsewhere.recorder.start({ ...newer, needsToken: false, isAwaited: true });
    await elsewhere.close();
    await sql.query('UPDATE job_run SET epoch = 2 WHERE id = $1', [run.job('j1')]);
    expect(await succeed(run.job('j0'), run.fence)).toMatchObject({ verdict: 'superseded' });
    expect(await store.jobRuns.get(run.job('j0'))).toMatchObject({ state: 'RUNNING', attempts: 2 });
    expect(await succeed(run.job('j1'), run.fence)).toMatchObject({ verdict: 'superseded' });
    expect(await store.jobRuns.get(run.job('j1'))).toMatchObject({ state: 'RUNNING', epoch: 2 });
  });

  it('refuses what an execution writes whose Task was closed', async () => {
    const run = await openRun();
    await sql.query('UPDATE task SET closed_at = now(), closed_by = $2 WHERE run_id = $1', [run.runId, 'x']);
    expect(await start(run.job('j0'), run.fence)).toMatchObject({ verdict: 'superseded' });
    expect(await succeed(run.job('j0'), run.fence)).toMatchObject({ verdict: 'superseded' });
    expect(await store.jobRuns.get(run.job('j0'))).toMatchObject({ state: 'PENDING', attempts: 0 });
  });

  it('goes on with what is left when many that come at once are partly superseded', async () => {
    const run = await openRun();
    const gone = { runId: 'stranger', scheduledAtMs: 1 };
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        start(run.job(`j${index}`), index % 3 === 0 ? gone : run.fence),
      ),
    );
    expect(answers.map(({ verdict }) => verdict)).toEqual(
      answers.map((_, index) => (index % 3 === 0 ? 'superseded' : 'started')),
    );
    expect((await store.graphRuns.get(run.id)).jobCounts).toMatchObject({ RUNNING: 13, PENDING: 37 });
  });

  it('writes a start that nobody waits for soon, by itself', async () => {
    const run = await openRun();
    const at = write(run.job('j0'), run.fence);
    expect(await recorder.start({ ...at, isFirst: true, needsToken: false, isAwaited: false })).toMatchObject(
      {
        verdict: 'started',
      },
    );
    expect(await store.jobRuns.get(run.job('j0'))).toMatchObject({ state: 'RUNNING' });
  });

  it('writes fifty jobs that end at once in a few transactions', async () => {
    const run = await openRun();
    const keys = Array.from({ length: 50 }, (_, index) => `j${index}`);
    await Promise.all(
      keys.flatMap((key) => [start(run.job(key), run.fence), succeed(run.job(key), run.fence)]),
    );
    expect((await store.graphRuns.get(run.id)).jobCounts).toMatchObject({ SUCCESS: 50 });
    const [written] = await sql.query<{ transactions: number }>(
      `SELECT count(DISTINCT xmin::text)::int AS transactions FROM event WHERE job_run_id = ANY ($1::uuid[])`,
      [keys.map((key) => run.job(key))],
    );
    expect(written?.transactions).toBeLessThanOrEqual(3);
  });

  it('lets a write that Postgres refuses spoil no other', async () => {
    const run = await openRun();
    const bad = { text: 'NUL \0', bytes: 5, hash: 'x' };
    const poisoned = recorder.end({
      ...write(run.job('j1'), run.fence),
      end: { kind: 'success', output: bad },
    });
    const results = await Promise.allSettled([
      succeed(run.job('j0'), run.fence),
      poisoned,
      succeed(run.job('j2'), run.fence),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((await store.graphRuns.get(run.id)).jobCounts).toMatchObject({ SUCCESS: 2, PENDING: 48 });
  });

  it('numbers events in order of commit and without a gap, with many writers at once', async () => {
    const stores = Array.from({ length: 4 }, () => createStore({ databaseUrl, poolSize: 4 }));
    const run = await openRun();
    const seen: number[] = [];
    let writing = true;
    const watch = async () => {
      for (let after = 0; writing; ) {
        const rows = await sql.query<{ number: string }>(
          'SELECT number FROM event WHERE number > $1 ORDER BY number',
          [after],
        );
        for (const row of rows) seen.push(Number(row.number));
        after = seen.at(-1) ?? 0;
      }
    };
    const watching = watch();
    await Promise.all(
      Array.from({ length: 50 }, (_, index) => {
        const at = write(run.job(`j${index}`), run.fence, `w${index}`);
        const mine = stores[index % 4] as typeof store;
        return mine.recorder.start({ ...at, isFirst: true, needsToken: false, isAwaited: true });
      }),
    );
    writing = false;
    await watching;
    await Promise.all(stores.map((each) => each.close()));
    const all = await sql.query<{ number: string }>('SELECT number FROM event ORDER BY number');
    expect(all.map((row) => Number(row.number))).toEqual(all.map((_, index) => index + 1));
    expect(seen).toEqual(seen.map((_, index) => index + 1));
  });
});
