// A warehouse in the cloud: its user owns the database and may create roles, no more.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { upload } from '../../jobs/upload.ts';
import { createWarehouse, type Warehouse } from '../../warehouse/warehouse.ts';
import { nextToken, openTestAttempt, runJob } from '../jobs/attempts.ts';
import { useDatabases } from '../support/databases.ts';
import { query, untilRunning, urlAs } from './sql.ts';

const databases = await useDatabases();
const owner = `owner_${randomBytes(6).toString('hex')}`;
let warehouse: Warehouse;

beforeAll(async () => {
  const { pathname } = new URL(databases.warehouseUrl);
  await query(databases.warehouseUrl, `create role ${owner} login createrole password 'own'`);
  await query(databases.warehouseUrl, `alter database "${pathname.slice(1)}" owner to ${owner}`);
  await query(databases.warehouseUrl, `alter schema public owner to ${owner}`);
  warehouse = createWarehouse({ url: urlAs(databases.warehouseUrl, owner, 'own'), poolSize: 2 });
});

afterAll(async () => {
  await warehouse.dropProject('flights', nextToken());
  await warehouse.close();
  await query(databases.warehouseUrl, `reassign owned by ${owner} to current_user`);
  await query(databases.warehouseUrl, `drop owned by ${owner}`);
  await query(databases.warehouseUrl, `drop role ${owner}`);
});

it('warns of what it may not close, and works all the same', async () => {
  const { warnings } = await warehouse.prepare();
  expect(warnings.join()).toContain('not a superuser');
  expect((await warehouse.ensureProject('flights')).warnings.join()).toContain('temp_file_limit');
  const config = { file: 'a.csv' };
  await runJob(warehouse, { kind: upload, config, files: { 'a.csv': 'n\n1\n' } });
  await runJob(warehouse, { kind: upload, config, files: { 'a.csv': 'n\n1\n2\n' } });
  const preview = await warehouse.previewDataset('flights', 'result', 10);
  expect(preview.rows).toEqual([['1'], ['2']]);
});

it('ends a statement of a project, as a superuser does', async () => {
  const cancel = new AbortController();
  const attempt = await openTestAttempt(warehouse, { signal: cancel.signal });
  const staging = await attempt.warehouse.stage('slow');
  const slow = staging.createAs('select 1 as n from pg_sleep(60)');
  await Promise.all([
    expect(slow).rejects.toThrow('enough'),
    untilRunning(databases.warehouseUrl, 'pg_sleep(60)').then(() => cancel.abort(new Error('enough'))),
  ]);
  await attempt.discard();
  await untilRunning(databases.warehouseUrl, 'pg_sleep(60)', 0);
});
