import { randomBytes } from 'node:crypto';
import { afterAll, expect, it } from 'vitest';
import { createStore } from '../../store/index.ts';
import { useDatabases } from '../support/databases.ts';
import { pushNoops } from '../support/graphs.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
afterAll(() => store.close());
const sql = await useSql(databaseUrl);
await pushNoops(store, 'p', { a: [] });

/** Ends all of the store's connections, as a restart of Postgres does. */
async function killBackends(): Promise<void> {
  await sql.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'graphrun'`,
  );
}

it('survives the end of a connection that waits for a lock, tells so, and goes on', async () => {
  await sql.query('BEGIN');
  await sql.query(`SELECT FROM project WHERE name = 'p' FOR UPDATE`);
  const creating = store.graphRuns.create({ project: 'p', params: {}, select: null, actor: 'test' });
  const refused = expect(creating).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  await until(async () => {
    const [row] = await sql.query<{ waiting: number }>(
      `SELECT count(*)::int AS waiting FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return row?.waiting === 1 ? true : undefined;
  }, 'the store waits for the lock');
  await killBackends();
  await refused;
  await sql.query('ROLLBACK');
  expect(await store.projects.get('p')).toMatchObject({ name: 'p', state: null });
});

it('survives the end of a connection while a file is read', async () => {
  const content = randomBytes(3_000_000);
  const parts = (async function* () {
    yield content;
  })();
  await store.files.upload({ project: 'p', name: 'f.csv', content: parts, actor: 'test' });
  const file = await store.files.open('p', 'f.csv');
  const reader = file?.read()[Symbol.asyncIterator]();
  await reader?.next();
  await killBackends();
  await reader?.next().catch(() => {});
  expect(await store.files.get('p', 'f.csv')).toMatchObject({ bytes: 3_000_000 });
});
