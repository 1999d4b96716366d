import { afterAll, beforeAll, expect, it } from 'vitest';
import { createWarehouse, type Warehouse } from '../../warehouse/warehouse.ts';
import { openTestAttempt } from '../jobs/attempts.ts';
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
  await warehouse.dropProject('gone');
  expect(await sql(`select nspname from pg_namespace where nspname like 'gone%' order by 1`)).toEqual([
    ['gone_not'],
    ['gone_not$staging'],
  ]);
  expect(await sql(`select from pg_roles where rolname = current_database() || '.gone'`)).toEqual([]);
  await warehouse.dropProject('gone');
});

it('refuses to drop a project whose tables are read by views of others', async () => {
  await publish('viewed', 'data', 'select 1 as n');
  await sql('create schema bi; create view bi.report as select * from viewed.data');
  const refused = { code: 'DATASET_IN_USE', message: expect.stringContaining('view bi.report') };
  await expect(warehouse.dropProject('viewed')).rejects.toMatchObject(refused);
  expect(await sql('select n from bi.report')).toEqual([[1]]);
});

it('makes a project anew that another process has dropped', async () => {
  await publish('again', 'data', 'select 1 as n');
  const other = createWarehouse({ url: databases.warehouseUrl, poolSize: 1 });
  await other.dropProject('again');
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
