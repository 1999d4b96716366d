import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { inTransaction, openPlatform } from '../../warehouse/platform.ts';
import { createWarehouse, type Warehouse } from '../../warehouse/warehouse.ts';
import { nextToken, openTestAttempt } from '../jobs/attempts.ts';
import { useDatabases } from '../support/databases.ts';
import { until } from '../support/until.ts';
import { connect, query, stagingTables, untilRunning } from './sql.ts';

const databases = await useDatabases();
let warehouse: Warehouse;

beforeAll(async () => {
  warehouse = createWarehouse({ url: databases.warehouseUrl, poolSize: 3 });
  await warehouse.prepare();
});
afterAll(() => warehouse.close());

const breakThose = (which: string) =>
  query(
    databases.warehouseUrl,
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and ${which}`,
  );
const breakAll = () => breakThose('true');
/** Not those that they wait for: the end of these would let them go on. */
const breakWaiting = () => breakThose(`wait_event_type = 'Lock'`);

it('goes on after every connection broke while nothing ran on it', async () => {
  const attempt = await openTestAttempt(warehouse);
  const staging = await attempt.warehouse.stage('broken');
  await staging.create([{ name: 'n', type: 'bigint' }]);
  await breakAll();
  await expect(staging.query('select 1')).rejects.toMatchObject({ code: 'WAREHOUSE_UNAVAILABLE' });
  await attempt.discard();
  expect(await stagingTables(databases.warehouseUrl)).toEqual([]);
});

it('tells a connection that broke under a statement as an error of the world', async () => {
  const attempt = await openTestAttempt(warehouse);
  const slow = (await attempt.warehouse.stage('broken')).createAs('select 1 as n from pg_sleep(62)');
  const told = expect(slow).rejects.toMatchObject({ code: 'WAREHOUSE_UNAVAILABLE', status: 503 });
  await untilRunning(databases.warehouseUrl, 'pg_sleep(62)');
  await breakAll();
  await told;
  await attempt.discard();
});

it("tells so too where the platform's own connection broke that looked at the fence", async () => {
  const attempt = await openTestAttempt(warehouse);
  const staging = await attempt.warehouse.stage('broken');
  const holder = await connect(databases.warehouseUrl);
  await holder.query('begin');
  await holder.query('lock table graphrun.fence in access exclusive mode');
  const creating = staging.create([{ name: 'n', type: 'bigint' }]);
  const told = expect(creating).rejects.toMatchObject({ code: 'WAREHOUSE_UNAVAILABLE' });
  await until(
    async () => ((await breakWaiting()).length > 0 ? true : undefined),
    'the look at the fence waits, and is broken',
  );
  await told;
  await holder.end();
  await attempt.discard();
});

it("says that it is away where the platform's own statements lack resources", async () => {
  const run = (text: string) => query(databases.warehouseUrl, text);
  await run(
    `create function full_disk() returns trigger language plpgsql as
       $$ begin raise exception 'No space left on device' using errcode = 'disk_full'; end $$`,
  );
  await run('create trigger full_disk before insert on graphrun.fence execute function full_disk()');
  const away = { code: 'WAREHOUSE_UNAVAILABLE', message: expect.stringContaining('has no disk space left') };
  await expect(openTestAttempt(warehouse)).rejects.toMatchObject(away);
  await run('drop function full_disk() cascade');
  await (await openTestAttempt(warehouse)).discard();
});

it('lets an attempt begin again that could not drop what it had staged', async () => {
  const attempt = { jobRunId: randomUUID(), token: nextToken() };
  const first = await openTestAttempt(warehouse, attempt);
  await (await first.warehouse.stage('twice')).createAs('select 1 as n');
  const again = await openTestAttempt(warehouse, attempt);
  await (await again.warehouse.stage('twice')).createAs('select 2 as n');
  await again.publish(null);
  expect(await query(databases.warehouseUrl, 'select n from flights.twice')).toEqual([[2]]);
  await again.discard();
  expect(await stagingTables(databases.warehouseUrl)).toEqual([]);
});

it('uses a fresh connection after a query of the user, which may have changed settings', async () => {
  const attempt = await openTestAttempt(warehouse);
  const staging = await attempt.warehouse.stage('settings');
  await staging.createAs(
    `select set_config('search_path', 'elsewhere', false) as path, pg_backend_pid() as pid`,
  );
  const rows = await staging.query<{ path: string; is_same: boolean }>(
    `select current_setting('search_path') as path, pid = pg_backend_pid() as is_same from ${staging.table}`,
  );
  expect(rows).toEqual([{ path: 'flights', is_same: false }]);
  await attempt.discard();
});

it('survives that a connection breaks in the middle of a transaction', async () => {
  const platform = openPlatform(databases.warehouseUrl, 1);
  const work = inTransaction(platform.pool, async (client) => {
    const ended = new Promise((resolve) => client.once('end', resolve));
    await breakAll();
    await ended;
    await client.query('select 1');
  });
  await expect(work).rejects.toThrow();
  expect((await platform.pool.query('select 1 as n')).rows).toEqual([{ n: 1 }]);
  await platform.pool.end();
});

it('does not begin when it is cancelled already', async () => {
  const signal = AbortSignal.abort(new Error('cancelled by Ann'));
  await expect(openTestAttempt(warehouse, { signal })).rejects.toThrow('cancelled by Ann');
});

it('cannot be reached: an error of the world, and no crash', async () => {
  const url = new URL(databases.warehouseUrl);
  url.port = '1';
  const unreachable = createWarehouse({ url: url.toString(), poolSize: 1 });
  await expect(unreachable.prepare()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await unreachable.close();
  await unreachable.close();
});
