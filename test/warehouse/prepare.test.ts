import { afterEach, expect, it } from 'vitest';
import { namesOf } from '../../warehouse/names.ts';
import { rolePassword } from '../../warehouse/scram.ts';
import { createWarehouse, type Warehouse } from '../../warehouse/warehouse.ts';
import { openTestAttempt } from '../jobs/attempts.ts';
import { useDatabases } from '../support/databases.ts';
import { query, urlAs } from './sql.ts';

const databases = await useDatabases();
const open: Warehouse[] = [];

function openWarehouse(url = databases.warehouseUrl): Warehouse {
  const warehouse = createWarehouse({ url, poolSize: 3 });
  open.push(warehouse);
  return warehouse;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((warehouse) => warehouse.close()));
});

function roleOf(project: string): { role: string; url: (base: string) => string } {
  const { pathname, password } = new URL(databases.warehouseUrl);
  const { role } = namesOf(project, pathname.slice(1));
  const own = rolePassword(decodeURIComponent(password), role);
  return { role, url: (base) => urlAs(base, role, own) };
}

it('sets up once when six processes do it at the same time', async () => {
  const processes = Array.from({ length: 6 }, () => openWarehouse());
  await Promise.all(processes.map((warehouse) => warehouse.prepare()));
  await Promise.all(processes.map((warehouse) => warehouse.ensureProject('at-once')));
  const url = roleOf('at-once').url(databases.warehouseUrl);
  expect(await query(url, 'select current_user::text')).toEqual([[roleOf('at-once').role]]);
});

it('lets a project reach neither the metadata nor another database', async () => {
  const warehouse = openWarehouse();
  await warehouse.prepare();
  await warehouse.ensureProject('flights');
  const { url } = roleOf('flights');
  await expect(query(url(databases.databaseUrl), 'select 1')).rejects.toMatchObject({ code: '42501' });
  const template = new URL(databases.warehouseUrl);
  template.pathname = '/postgres';
  await expect(query(url(template.toString()), 'select 1')).rejects.toMatchObject({ code: '42501' });
});

it('gives a role no right but to read its tables and to fill its staging', async () => {
  const warehouse = openWarehouse();
  await warehouse.prepare();
  await Promise.all(['one', 'two'].map((project) => warehouse.ensureProject(project)));
  const attempt = await openTestAttempt(warehouse, { project: 'two' });
  const staging = await attempt.warehouse.stage('secret');
  await staging.createAs('select 1 as n');
  await attempt.publish(null);
  await attempt.discard();

  const url = roleOf('one').url(databases.warehouseUrl);
  const denied = { code: '42501' };
  for (const text of [
    'select * from two.secret',
    'select * from graphrun.fence',
    'insert into graphrun.published values (gen_random_uuid(), 1, 1, 1)',
    'create table one.mine (n int)',
    'create table public.mine (n int)',
    'create temporary table mine (n int)',
    'create schema mine',
    'set role pg_read_all_data',
    'set session authorization default; set temp_file_limit = -1',
    `select pg_read_file('PG_VERSION')`,
    `select lo_create(0)`,
    `copy (select 1) to program 'true'`,
    'create extension dblink',
  ]) {
    await expect(query(url, text), text).rejects.toMatchObject(denied);
  }
  const twos = roleOf('two').url(databases.warehouseUrl);
  expect(await query(twos, 'select n from secret')).toEqual([[1]]);
  await expect(query(twos, 'drop table secret')).rejects.toMatchObject(denied);
});

it('ends waits of a role before they could be taken for a deadlock, and limits its temporary files', async () => {
  const warehouse = openWarehouse();
  await warehouse.prepare();
  await warehouse.ensureProject('limits');
  const url = roleOf('limits').url(databases.warehouseUrl);
  const [settings] = await query(
    url,
    `select current_setting('lock_timeout')::interval < current_setting('deadlock_timeout')::interval,
       current_setting('search_path'), current_setting('temp_file_limit'), current_setting('timezone')`,
  );
  expect(settings).toEqual([true, 'limits', '20GB', 'UTC']);
});

it('gives a role its password back when it was changed', async () => {
  const first = openWarehouse();
  await first.prepare();
  await first.ensureProject('changed');
  const { role, url } = roleOf('changed');
  await query(databases.warehouseUrl, `alter role "${role}" password 'other'`);
  await openWarehouse().ensureProject('changed');
  expect(await query(url(databases.warehouseUrl), 'select 1')).toEqual([[1]]);
});

it('refuses a role that was given more rights', async () => {
  const first = openWarehouse();
  await first.prepare();
  await first.ensureProject('strong');
  const { role } = roleOf('strong');
  await query(databases.warehouseUrl, `grant pg_read_all_data to "${role}"`);
  const second = openWarehouse();
  const refused = expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(role) });
  await expect(second.ensureProject('strong')).rejects.toEqual(refused);
  await query(databases.warehouseUrl, `revoke pg_read_all_data from "${role}"`);
  await expect(second.ensureProject('strong')).resolves.toEqual({ warnings: [] });
});

it('refuses a database that cannot hold every character', async () => {
  const url = new URL(databases.warehouseUrl);
  url.pathname += '_ascii';
  const name = url.pathname.slice(1);
  const options = `encoding 'SQL_ASCII' locale 'C' template template0`;
  await query(databases.warehouseUrl, `create database "${name}" ${options}`);
  const warehouse = createWarehouse({ url: url.toString(), poolSize: 1 });
  const message = expect.stringMatching(/expected .* UTF8; it is .*SQL_ASCII/);
  await expect(warehouse.prepare()).rejects.toMatchObject({ code: 'CONFIG_INVALID', message });
  await warehouse.close();
  await query(databases.warehouseUrl, `drop database "${name}" with (force)`);
});

it('names what is missing in a URL, and never repeats the URL', () => {
  expect(() => openWarehouse('postgres://user@host/warehouse')).toThrow(/WAREHOUSE_URL: expected a password/);
  expect(() => openWarehouse('postgres://user:canary@host')).toThrow(/^(?!.*canary).*expected a database/);
});
