import { afterAll, expect, it } from 'vitest';
import type { GraphRunView } from '../../graph/resources.ts';
import { AnsweredBefore, createStore } from '../../store/index.ts';
import type { Once } from '../../store/store.ts';
import { useDatabases } from '../support/databases.ts';
import { pushNoops } from '../support/graphs.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
afterAll(() => store.close());
const sql = await useSql(databaseUrl);
await pushNoops(store, 'p', { a: [] });

const run = { project: 'p', params: {}, select: null, actor: 'test' };

function once(key: string, answer: Once<GraphRunView>['answer'] = answerOf): Once<GraphRunView> {
  return { actor: 'test', key, requestHash: 'hash', answer };
}

function answerOf({ id }: GraphRunView) {
  return { status: 201, location: `/runs/${id}`, body: `{"id":"${id}"}` };
}

async function countRuns(): Promise<number> {
  return (await store.graphRuns.list({ project: 'p' }, { limit: 100 })).items.length;
}

async function waitForBlocked(): Promise<void> {
  await until(async () => {
    const [row] = await sql.query<{ waiting: number }>(
      `SELECT count(*)::int AS waiting FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return row?.waiting === 1 ? true : undefined;
  }, 'the second request waits for the first');
}

const claim = `INSERT INTO idempotency_key (actor, key, request_hash, status, location, answer)
  VALUES ('test', $1, 'hash', 201, '/first', 'of the first')`;

it('hands a repeat the answer that is kept, and makes nothing', async () => {
  const made = await store.graphRuns.create(run, once('repeat'));
  const runs = await countRuns();
  const repeat = await store.graphRuns.create(run, once('repeat')).catch((error: unknown) => error);
  expect(repeat).toBeInstanceOf(AnsweredBefore);
  expect(repeat).toMatchObject({ answer: answerOf(made) });
  expect(await countRuns()).toBe(runs);
});

it('lets a second request wait for the first, and then answers as the first did', async () => {
  await sql.query('BEGIN');
  await sql.query(claim, ['committed']);
  const runs = await countRuns();
  const second = store.graphRuns.create(run, once('committed'));
  const answered = expect(second).rejects.toMatchObject({
    answer: { status: 201, location: '/first', body: 'of the first' },
  });
  await waitForBlocked();
  await sql.query('COMMIT');
  await answered;
  expect(await countRuns()).toBe(runs);
});

it('carries the second request out where the first was rolled back', async () => {
  await sql.query('BEGIN');
  await sql.query(claim, ['rolled back']);
  const second = store.graphRuns.create(run, once('rolled back'));
  await waitForBlocked();
  await sql.query('ROLLBACK');
  expect(await second).toMatchObject({ state: 'PENDING' });
});

it('makes nothing where the answer cannot be made, and leaves the key free', async () => {
  const runs = await countRuns();
  const fail = () => {
    throw new Error('does not fit the schema');
  };
  await expect(store.graphRuns.create(run, once('no answer', fail))).rejects.toThrow('does not fit');
  expect(await countRuns()).toBe(runs);
  expect(await store.graphRuns.create(run, once('no answer'))).toMatchObject({ state: 'PENDING' });
});

it('takes a key anew once its row is deleted', async () => {
  const first = await store.graphRuns.create(run, once('deleted'));
  await sql.query(`DELETE FROM idempotency_key WHERE key = 'deleted'`);
  const second = await store.graphRuns.create(run, once('deleted'));
  expect(second.id).not.toBe(first.id);
});

it('numbers the events of requests with keys without a gap', async () => {
  const keys = Array.from({ length: 30 }, (_, place) => `key ${place % 10}`);
  await Promise.allSettled(keys.map((key) => store.graphRuns.create(run, once(key))));
  const [row] = await sql.query<{ events: number; last: number }>(
    'SELECT (SELECT count(*)::int FROM event) AS events, (SELECT last::int FROM event_counter) AS last',
  );
  expect(row?.events).toBe(row?.last);
  expect(await sql.query(`SELECT FROM idempotency_key WHERE key LIKE 'key %'`)).toHaveLength(10);
});

it('shows what it made as it is read back', async () => {
  const made = await store.graphRuns.create({ ...run, select: ['a'] });
  const {
    jobRuns: _jobRuns,
    tasks: _tasks,
    droppedJobs: _dropped,
    ...read
  } = await store.graphRuns.get(made.id);
  expect(made).toEqual(read);
  const { workflowId, ...lone } = await store.jobRuns.create({ project: 'p', job: 'a', actor: 'test' });
  expect([workflowId, lone]).toEqual([`job-run/${lone.id}/1`, await store.jobRuns.get(lone.id)]);
  const project = await store.projects.create({ name: 'q', timezone: 'Asia/Tokyo', actor: 'test' });
  expect(project).toEqual(await store.projects.get('q'));
});
