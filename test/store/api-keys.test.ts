import { afterAll, expect, it } from 'vitest';
import { createStore } from '../../store/index.ts';
import { useDatabases } from '../support/databases.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
afterAll(() => store.close());
const sql = await useSql(databaseUrl);

it('refuses a key within five seconds of its end', async () => {
  await store.apiKeys.ensure({ name: 'ann', role: 'editor', key: 'secret' });
  expect(await store.apiKeys.authenticate('secret')).toEqual({ name: 'ann', role: 'editor' });
  await sql.query(`UPDATE api_key SET revoked_at = now() WHERE name = 'ann'`);
  const refused = async () => ((await store.apiKeys.authenticate('secret')) === undefined ? true : undefined);
  await until(refused, 'the key is refused', 5_000);
});

it('knows a changed role at once', async () => {
  await store.apiKeys.ensure({ name: 'bob', role: 'viewer', key: 'other' });
  expect(await store.apiKeys.authenticate('other')).toMatchObject({ role: 'viewer' });
  await store.apiKeys.ensure({ name: 'bob', role: 'admin', key: 'other' });
  expect(await store.apiKeys.authenticate('other')).toMatchObject({ role: 'admin' });
});
