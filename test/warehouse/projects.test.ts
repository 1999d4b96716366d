import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createWarehouse, type Warehouse } from '../../warehouse/warehouse.ts';
import { nextToken, openTestAttempt } from '../jobs/attempts.ts';
import { useDatabases } from '../support/databases.ts';
import { query } from './sql.ts';

const databases = await useDatabases();
let warehouse: Warehouse;

beforeAll(async () => {
  warehouse = createWarehouse({ url: databases.warehouseUrl, poolSize: 3 });
  await warehouse.prepare();
});
afterAll(() => warehouse.close());

const sql = (text: string) => query(databases.warehouseUrl, text);

async function publish(project: string, dataset: string, select: string): Promise<void> {
  const attempt = await openTestAttempt(warehouse, { project });
  await (await attempt.warehouse.stage(dataset)).createAs(select);
  await attempt.publish(null);
  await attempt.discard();
}

it('drops a project with its data and role, and nothing of others', async () => {
  await publish('gone', 'data', 'select 1 as n');
  await publish('gone-not', 'data', 'select 2 as n');
  await warehouse.dropProject('gone', nextToken());
  expect(await sql(`select nspname from pg_namespace where nspname like 'gone%' order by 1`)).toEqual([
    ['gone_not'],
    ['gone_not$staging'],
  ]);
  expect(await sql(`select from pg_roles where rolname = current_database() || '.gone'`)).toEqual([]);
  await warehouse.dropProject('gone', nextToken());
});

it('refuses to drop a project whose tables are read by views of others', async () => {
  await publish('viewed', 'data', 'select 1 as n');
  await sql('create schema bi; create view bi.report as select * from viewed.data');
  const refused = { code: 'DATASET_IN_USE', message: expect.stringContaining('view bi.report') };
  await expect(warehouse.dropProject('viewed', nextToken())).rejects.toMatchObject(refused);
  expect(await sql('select n from bi.report')).toEqual([[1]]);
});

it('leaves neither fences of a dropped project nor what they guarded, and those of others', async () => {
  await publish('fenced', 'data', 'select 1 as n');
  await publish('other', 'data', 'select 1 as n');
  await warehouse.shutOut([{ project: 'fenced', jobRunId: randomUUID(), epoch: 1, token: nextToken() }]);
  const counts = () =>
    sql(`select count(*)::int, count(published.job_run)::int from graphrun.fence left join graphrun.published
         using (job_run) where project in ('fenced', 'other') group by project order by project`);
  expect(await counts()).toEqual([
    [2, 1],
    [1, 1],
  ]);
  await warehouse.dropProject('fenced', nextToken());
  expect(await counts()).toEqual([[1, 1]]);
});

it('shuts out attempts that were left from before the drop, also where the project was made anew', async () => {
  const before = { project: 'left', jobRunId: randomUUID(), token: nextToken() };
  const left = await openTestAttempt(warehouse, before);
  await (await left.warehouse.stage('data')).createAs('select 1 as n');
  const [jobRunId, token] = [randomUUID(), nextToken()];
  await warehouse.dropProject('left', nextToken());
  const openLate = () => openTestAttempt(warehouse, { project: 'left', jobRunId, token });
  const superseded = { code: 'SUPERSEDED' };
  await expect(openLate()).rejects.toMatchObject(superseded);
  await warehouse.shutOut([{ project: 'left', jobRunId, epoch: 1, token }]);
  expect(await sql(`select from pg_namespace where nspname like 'left%'`)).toEqual([]);
  expect(await sql(`select from graphrun.fence where project = 'left'`)).toEqual([]);

  await publish('left', 'data', 'select 2 as n');
  await expect(left.publish(null)).rejects.toMatchObject(superseded);
  // As when its fence was raised while the drop was under way.
  const raise = 'insert into graphrun.fence (job_run, project, token) values ($1, $2, $3)';
  await query(databases.warehouseUrl, raise, [before.jobRunId, before.project, before.token]);
  await expect(left.publish(null)).rejects.toMatchObject(superseded);
  await expect(openLate()).rejects.toMatchObject(superseded);
  await left.discard();
  expect(await sql('select n from "left".data')).toEqual([[2]]);
});

it('lets an attempt of the project made anew in, whose tries began with one that was left', async () => {
  const old = nextToken();
  await publish('mixed', 'data', 'select 1 as n');
  await warehouse.dropProject('mixed', nextToken());
  const opened = await Promise.allSettled([
    openTestAttempt(warehouse, { project: 'mixed', token: old }),
    openTestAttempt(warehouse, { project: 'mixed' }),
  ]);
  expect(opened.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
});

it('drops nothing a second time, such as in a process that was frozen since', async () => {
  const token = nextToken();
  await publish('thawed', 'data', 'select 1 as n');
  await warehouse.dropProject('thawed', token);
  await publish('thawed', 'data', 'select 2 as n');
  await warehouse.dropProject('thawed', token);
  expect(await sql('select n from thawed.data')).toEqual([[2]]);
});

it('takes a warehouse that no worker has prepared, or one of before', async () => {
  const { warehouseUrl } = databases;
  const name = `${new URL(warehouseUrl).pathname.slice(1)}_bare`;
  await sql(`create database ${name}`);
  const bareUrl = Object.assign(new URL(warehouseUrl), { pathname: name }).href;
  const jobRun = { project: 'nobody', jobRunId: randomUUID(), epoch: 1, token: nextToken() };
  const open = () => createWarehouse({ url: bareUrl, poolSize: 1 });
  const [first, second] = [open(), open()];
  expect(await first.shutOut([jobRun])).toEqual(new Map());
  await query(bareUrl, 'alter table graphrun.fence drop column project');
  await second.dropProject('nobody', nextToken());
  expect(await query(bareUrl, 'select count(project)::int from graphrun.fence')).toEqual([[0]]);
  await Promise.all([first.close(), second.close()]);
  await sql(`drop database ${name} with (force)`);
});

it('makes a project anew that another process has dropped', async () => {
  await publish('again', 'data', 'select 1 as n');
  const other = createWarehouse({ url: databases.warehouseUrl, poolSize: 1 });
  await other.dropProject('again', nextToken());
  await other.close();
  await publish('again', 'data', 'select 2 as n');
  expect(await sql('select n from again.data')).toEqual([[2]]);
});

it('shows the first rows of a dataset as JSON that loses nothing', async () => {
  await publish(
    'preview',
    'data',
    `select 9007199254740993::bigint as big, 1.50::numeric as exact, true as yes, 'NaN'::float8 as odd, 2::int as small,
       date '2001-12-31' as day, timestamptz '2001-12-31 23:00+00' as instant, '{"a": 1}'::jsonb as json,
       array[[1, 2]] as list, repeat('x', 5000) as long, null::text as nothing`,
  );
  const { columns, rows } = await warehouse.previewDataset('preview', 'data', 1);
  expect(columns.map(({ type }) => type)).toEqual([
    'bigint',
    'numeric',
    'boolean',
    'double precision',
    'integer',
    'date',
    'timestamp with time zone',
    'jsonb',
    'integer[]',
    'text',
    'text',
  ]);
  const day = ['2001-12-31', '2001-12-31 23:00:00+00'];
  const expected = [
    '9007199254740993',
    '1.50',
    true,
    'NaN',
    2,
    ...day,
    '{"a": 1}',
    '{{1,2}}',
    'x'.repeat(1_000),
    null,
  ];
  expect(rows).toEqual([expected]);
  expect(JSON.parse(JSON.stringify(rows))).toEqual(rows);
});

it('shows as many rows as were asked for, in the order of the query that made them', async () => {
  await publish('preview', 'many', 'select g::int as n from generate_series(1, 100) g order by g desc');
  expect((await warehouse.previewDataset('preview', 'many', 2)).rows).toEqual([[100], [99]]);
  expect((await warehouse.previewDataset('preview', 'many', 0)).rows).toEqual([]);
});

it('tells that a dataset or project is not there', async () => {
  const missing = { code: 'DATASET_UNKNOWN', status: 404 };
  await expect(warehouse.previewDataset('preview', 'nothing', 1)).rejects.toMatchObject(missing);
  await expect(warehouse.previewDataset('nobody', 'nothing', 1)).rejects.toMatchObject(missing);
  await expect(warehouse.previewDataset('preview', 'a"b', 1)).rejects.toThrow('not the name of a dataset');
});
