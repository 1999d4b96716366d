import { expect, test } from 'vitest';
import { withClient } from '../../dev/databases.ts';
import { useDatabases } from '../support/databases.ts';

const { databaseUrl, warehouseUrl, temporalAddress } = await useDatabases();

test('a test file gets a migrated database and an empty warehouse of its own', async () => {
  const tables = 'SELECT count(*)::int AS count FROM pg_tables WHERE schemaname = $1';
  const metadata = await withClient(databaseUrl, (client) => client.query(tables, ['public']));
  const warehouse = await withClient(warehouseUrl, (client) => client.query(tables, ['public']));
  expect(metadata.rows[0].count).toBeGreaterThan(0);
  expect(warehouse.rows[0].count).toBe(0);
  expect(temporalAddress).toMatch(/^127\.0\.0\.1:\d+$/);
});
