import pg from 'pg';
import { afterAll, expect, it } from 'vitest';
import { createStore } from '../../store/index.ts';
import { useDatabases } from '../support/databases.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
afterAll(() => store.close());
const sql = await useSql(databaseUrl);
const { tombstones } = store;
const create = (name: string) => store.projects.create({ name, timezone: 'UTC', actor: 'test' });
const waiting = (count: number) =>
  until(async () => {
    const rows = await sql.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return rows.length === count ? true : undefined;
  }, `${count} wait`);

it('a project that is made while the one before is deleted meets its tombstone', async () => {
  await create('racing');
  const blocker = new pg.Client({ connectionString: databaseUrl });
  await blocker.connect();
  await blocker.query('BEGIN; SELECT FROM event_counter FOR UPDATE');
  const removing = store.projects.remove('racing', 'test');
  await waiting(1);
  const creating = create('racing').catch((error: unknown) => error);
  await waiting(2);
  await blocker.query('COMMIT');
  await blocker.end();
  await removing;
  expect(await creating).toMatchObject({ code: 'PROJECT_BEING_DELETED' });
});

it('a tombstone is above all attempts, and goes only by the token that it has', async () => {
  await create('deleted');
  const [{ token: before } = { token: '0' }] = await sql.query<{ token: string }>(
    "SELECT nextval('fence_token') AS token",
  );
  await store.projects.remove('deleted', 'test');
  const tombstone = (await tombstones.due(10)).find(({ name }) => name === 'deleted');
  if (!tombstone) throw new Error('no tombstone');
  expect(tombstone.token).toBeGreaterThan(BigInt(before));
  await tombstones.remove({ ...tombstone, token: tombstone.token - 1n });
  await expect(create('deleted')).rejects.toMatchObject({ code: 'PROJECT_BEING_DELETED' });
  await tombstones.remove(tombstone);
  expect(await create('deleted')).toMatchObject({ name: 'deleted' });
});

it('one that could not be carried out is due again later, and tells why', async () => {
  await create('busy');
  await store.projects.remove('busy', 'test');
  const due = async () => (await tombstones.due(10)).filter(({ name }) => name === 'busy');
  const [tombstone] = await due();
  if (!tombstone) throw new Error('no tombstone');
  await tombstones.postpone(tombstone, 'views use it.');
  expect(await due()).toEqual([]);
  await expect(create('busy')).rejects.toThrow(/try again in a moment\. So far .*: views use it\.$/);
  await sql.query('UPDATE project_tombstone SET retry_at = now()');
  expect(await due()).toEqual([tombstone]);
});
