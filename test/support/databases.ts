import { randomBytes } from 'node:crypto';
import { afterAll, inject } from 'vitest';
import { onServer } from '../../dev/databases.ts';

export interface TestDatabases {
  /** A metadata database with all migrations, of this test file alone. */
  readonly databaseUrl: string;
  /** An empty warehouse database, of this test file alone. */
  readonly warehouseUrl: string;
  /** The Temporal server of the whole suite: keep to task queues and ids of your own. */
  readonly temporalAddress: string;
}

/**
 * Makes the databases of a test file, and drops them after its last test, whatever still connects to them. Call it once,
 * at the file's top: `const { databaseUrl } = await useDatabases();`
 */
export async function useDatabases(): Promise<TestDatabases> {
  const templateUrl = inject('templateUrl');
  const suffix = randomBytes(6).toString('hex');
  const metadata = `metadata_${suffix}`;
  const warehouse = `warehouse_${suffix}`;
  const template = new URL(templateUrl).pathname.slice(1);
  await onServer(templateUrl, async (client) => {
    await client.query(`CREATE DATABASE ${metadata} TEMPLATE ${template}`);
    await client.query(`CREATE DATABASE ${warehouse}`);
  });
  afterAll(async () => {
    await onServer(templateUrl, async (client) => {
      await client.query(`DROP DATABASE IF EXISTS ${metadata} WITH (FORCE)`);
      await client.query(`DROP DATABASE IF EXISTS ${warehouse} WITH (FORCE)`);
    });
  });
  return {
    databaseUrl: onSameServer(templateUrl, metadata),
    warehouseUrl: onSameServer(templateUrl, warehouse),
    temporalAddress: inject('temporalAddress'),
  };
}

function onSameServer(databaseUrl: string, database: string): string {
  const url = new URL(databaseUrl);
  url.pathname = `/${database}`;
  return url.toString();
}
