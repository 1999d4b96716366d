import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transform } from '../../jobs/transform.ts';
import { createWarehouse, type Warehouse } from '../../warehouse/warehouse.ts';
import { useDatabases } from '../support/databases.ts';
import { query, stagingTables, untilRunning } from '../warehouse/sql.ts';
import { runJob } from './attempts.ts';

const databases = await useDatabases();
let warehouse: Warehouse;

beforeAll(async () => {
  warehouse = createWarehouse({ url: databases.warehouseUrl, poolSize: 4 });
  await warehouse.prepare();
  await run('select 1 as id, 2 as n', 'a');
  await run('select 1 as id', 'a_much_longer_name');
});
afterAll(() => warehouse.close());

function run(sql: string, job = 'result', values: Record<string, unknown> = {}): Promise<unknown> {
  return runJob(warehouse, { kind: transform, config: { sql }, job, values });
}

it('makes a table from other tables, and tells its rows and columns', async () => {
  const output = await run(`select id, n::numeric(10, 2) as n, 'é' as "Text" from {{ ref('a') }} -- the end`);
  const columns = [
    { name: 'id', type: 'integer' },
    { name: 'n', type: 'numeric(10,2)' },
    { name: 'Text', type: 'text' },
  ];
  expect(output).toEqual({ rows: 1, columns });
});

it.each([
  ['with q as (select 1 as n) select * from q'],
  ['values (1)'],
  [`table {{ ref('a') }}`],
  ['select 1 as n;'],
  ['(select 1 as n) union (select 2) ; \n'],
])('takes a query of any form: %s', async (sql) => {
  await expect(run(sql)).resolves.toMatchObject({ rows: expect.any(Number) });
});

it('puts values of the run in as literals, which have their types', async () => {
  const sql = `select {{ params.day }}::date as day, {{ params.name }} as name, {{ outputs.a.rows }} as rows,
    {{ params.none }}::int as none, {{ params.list }}::jsonb as list, {{ params.yes }} as yes from {{ ref('a') }};`;
  const output = await run(sql, 'result', {
    '{{ params.day }}': '2026-01-31',
    '{{ params.name }}': "O'Neil \\ -- x",
    '{{ outputs.a.rows }}': -5,
    '{{ params.none }}': null,
    '{{ params.list }}': [1, { "it's": null }],
    '{{ params.yes }}': true,
  });
  expect(output).toMatchObject({
    columns: ['date', 'text', 'integer', 'integer', 'jsonb', 'boolean'].map((type) => ({ type })),
  });
  const columns = 'day::text, name, rows, none, list, yes';
  expect(await query(databases.warehouseUrl, `select ${columns} from flights.result`)).toEqual([
    ['2026-01-31', "O'Neil \\ -- x", -5, null, [1, { "it's": null }], true],
  ]);
});

it.each([
  ['select 1,\n {{ params.x }}', 'a\0b', 'line 2, column 2: {{ params.x }}: it holds a NUL character'],
  ['select {{ params.x }}', 'a'.repeat(1024 * 1024), 'has more than 1048576 characters; that is the limit'],
  [`select ${'{{ params.x }}, '.repeat(9)} 1`, 'a'.repeat(128 * 1024), 'line 1, column 120: {{ params.x }}'],
])('fails for good by a value that SQL cannot hold: %s', async (sql, value, message) => {
  await expect(run(sql, 'result', { '{{ params.x }}': value })).rejects.toMatchObject({
    code: 'JOB_CONFIG_INVALID',
    status: 422,
    message: expect.stringContaining(message),
  });
});

it('reads texts alike whatever the server is set to', async () => {
  const role = new URL(databases.warehouseUrl).pathname.slice(1);
  const alter = `alter role "${role}.flights"`;
  await query(databases.warehouseUrl, `${alter} set standard_conforming_strings = off`);
  await run(`select '\\' as a, {{ params.x }} as x`, 'result', { '{{ params.x }}': '\\' });
  expect(await query(databases.warehouseUrl, 'select a, x from flights.result')).toEqual([['\\', '\\']]);
  await query(databases.warehouseUrl, `${alter} reset standard_conforming_strings`);
});

it('keeps the order of the query', async () => {
  await run('select g::int as n from generate_series(1, 50) g order by g desc');
  const rows = await query(databases.warehouseUrl, 'select n from flights.result');
  expect(rows.map(([n]) => n)).toEqual(Array.from({ length: 50 }, (_, index) => 50 - index));
});

describe('names the place in the SQL as it was written', () => {
  it.each([
    ['select nope', 1, 8, 'select nope'],
    ['select 1,\n\t nope', 2, 3, '\t nope'],
    [`select '😀é', nope`, 1, 14, `select '😀é', nope`],
    [`select * from {{ ref('a') }} where nope = 1`, 1, 36, 'where nope = 1'],
    [`select * from {{ ref("a_much_longer_name") }} x, {{ ref('a') }} y where nope`, 1, 73, 'where nope'],
    [`select *\nfrom {{\n  ref('a')\n}} where nope`, 4, 10, '}} where nope'],
    [`select x.* from {{ ref('missing') }} x`, 1, 17, `{{ ref('missing') }}`],
    [`select {{ ref('a') }}`, 1, 8, `select {{ ref('a') }}`],
    ['select {{ params.a_name }} as a, nope', 1, 34, 'as a, nope'],
    ['select {{params.a_name}}::int as a', 1, 8, 'select {{params.a_name}}::int'],
    ['select 1 +', 1, 11, 'select 1 +'],
    ['select (1', 1, 10, 'select (1'],
  ])('%s', async (sql, line, column, quoted) => {
    const values = { '{{ params.a_name }}': "a long\ntext's end", '{{params.a_name}}': 'x\ny' };
    const error: unknown = await run(sql, 'result', values).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'SQL_INVALID', status: 422, data: { line, column } });
    expect(String(error)).toContain(`line ${line}, column ${column}`);
    expect(String(error)).toContain(quoted);
  });

  it('and shows the part of a long line that it is in', async () => {
    const error: unknown = await run(`select ${'1, '.repeat(500)} nope`).catch((caught: unknown) => caught);
    const [, shown = '', caret = ''] = String(error).split('\n');
    expect(shown.length).toBeLessThan(200);
    expect(shown.slice(caret.indexOf('^'))).toBe('nope');
  });
});

it.each([
  ['select 1 / 0 as n', '22012', 'division by zero'],
  [`select 'x'::int as n`, '22P02', 'invalid input syntax'],
  ['select (select * from generate_series(1, 2)) as n', '21000', 'more than one row'],
  ['select 1 as n, 2 as n', '42701', 'specified more than once'],
  [`select repeat('x', 2000000000) as n`, '54000', 'requested length too large'],
])('fails for good where another try would fail as well: %s', async (sql, sqlstate, message) => {
  const failed = {
    code: 'SQL_INVALID',
    data: expect.objectContaining({ sqlstate }),
    message: expect.stringContaining(message),
  };
  await expect(run(sql)).rejects.toMatchObject(failed);
});

it('says which job to run when a dataset was never written', async () => {
  const message = expect.stringMatching(
    /^the dataset "missing" was not written yet; run the job that writes it/,
  );
  await expect(run(`select * from {{ ref('missing') }}`)).rejects.toMatchObject({
    code: 'SQL_INVALID',
    message,
  });
});

describe('refuses', () => {
  it.each([
    ['a second statement', 'select 1; drop table flights.a', '42601'],
    ['to leave its parentheses', 'select 1 as n); drop table flights.a; select (2', '42601'],
    ['to leave out the data', 'select 1 as n with no data', '42601'],
    ['to hide the end', 'select 1 as n) with no data --', '42601'],
    ['to hide the end in a comment', 'select 1 as n) with no data /*', '42601'],
    ['COMMIT', 'commit', '42601'],
    ['ROLLBACK and more', 'rollback; select 1', '42601'],
    ['SET ROLE', 'set role postgres', '42601'],
    ['RESET ROLE', 'reset role', '42601'],
    ['a role by function', `select set_config('role', 'pg_read_all_data', false)`, '42501'],
    [
      'a session by function',
      `select set_config('session_authorization', 'pg_read_all_data', false)`,
      '42501',
    ],
    ['more temporary files', `select set_config('temp_file_limit', '-1', false)`, '42501'],
    ['DO', 'do $$ begin commit; end $$', '42601'],
    ['DDL', 'create table flights.x (n int)', '42601'],
    ['SELECT INTO', 'select 1 as n into flights.x', '42601'],
    ['to change a table', `with x as (delete from flights.a returning 1) select * from x`, '42501'],
    [
      'to write the fence',
      'with x as (update graphrun.fence set token = 0 returning 1) select * from x',
      '42501',
    ],
    ['COPY TO PROGRAM', `copy (select 1) to program 'true'`, '42601'],
    ['COPY FROM PROGRAM', `copy flights.a from program 'true'`, '42601'],
    ['files of the server', `select pg_read_file('PG_VERSION')`, '42501'],
    ['folders of the server', `select pg_ls_dir('.')`, '42501'],
    ['to import a file', `select lo_import('/etc/passwd')`, '42501'],
    ['to make large objects', 'select lo_create(0)', '42501'],
    ['DDL inside of a function', `select query_to_xml('drop table flights.a', true, true, '')`, '0A000'],
    ['passwords', 'select rolpassword from pg_authid', '42501'],
    ['dblink', `select * from dblink('dbname=postgres', 'select 1') as t (n int)`, '42883'],
    ['LISTEN', 'listen x', '42601'],
    ['PREPARE', 'prepare x as select 1', '42601'],
    ['temporary tables', 'create temporary table x (n int)', '42601'],
    ['another database', 'select * from postgres.pg_catalog.pg_class', '0A000'],
  ])('%s', async (_, sql, sqlstate) => {
    await expect(run(sql)).rejects.toMatchObject({ code: 'SQL_INVALID', data: { sqlstate } });
    expect(await query(databases.warehouseUrl, 'select id, n from flights.a')).toEqual([[1, 2]]);
    expect(await stagingTables(databases.warehouseUrl)).toEqual([]);
  });

  it('to end the sessions of the platform', async () => {
    const sql = `select pg_terminate_backend(pid) from pg_stat_activity where usename <> current_user and datname = current_database()`;
    await expect(run(sql)).rejects.toMatchObject({ code: 'SQL_INVALID', data: { sqlstate: '42501' } });
  });
});

it('refuses functions that others have put into the schema public', async () => {
  await query(
    databases.warehouseUrl,
    `create function public.read_all() returns bigint security definer
     language sql as 'select count(*) from graphrun.fence'`,
  );
  const denied = { code: 'SQL_INVALID', data: expect.objectContaining({ sqlstate: '42501' }) };
  await expect(run('select public.read_all()')).rejects.toMatchObject(denied);
});

it('ends a query that fills the disk with temporary files, for good', async () => {
  const role = new URL(databases.warehouseUrl).pathname.slice(1);
  await query(databases.warehouseUrl, `alter role "${role}.flights" set temp_file_limit = '1MB'`);
  const sql = 'select g, md5(g::text) as text from generate_series(1, 200000) g order by text';
  await expect(run(sql)).rejects.toMatchObject({ code: 'SQL_INVALID', data: { sqlstate: '53400' } });
});

it('sets up projects and publishes while a query holds every advisory lock it can', async () => {
  const cancel = new AbortController();
  const sql = `select pg_advisory_lock(n)::text as lock from generate_series(0, 100) n`;
  const job = {
    kind: transform,
    config: { sql: `${sql} union all select pg_sleep(64)::text` },
    signal: cancel.signal,
  };
  const holding = expect(runJob(warehouse, { ...job, job: 'holding' })).rejects.toThrow('enough');
  await untilRunning(databases.warehouseUrl, 'pg_advisory_lock');
  await warehouse.prepare();
  await warehouse.ensureProject('beside');
  await run('select 1 as n');
  cancel.abort(new Error('enough'));
  await holding;
});
