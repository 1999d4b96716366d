import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordBytesMax } from '../../jobs/csv/read-csv.ts';
import { upload } from '../../jobs/upload.ts';
import { createWarehouse, type Warehouse } from '../../warehouse/warehouse.ts';
import { useDatabases } from '../support/databases.ts';
import { query } from '../warehouse/sql.ts';
import { contextOf, openTestAttempt, runJob } from './attempts.ts';

const databases = await useDatabases();
let warehouse: Warehouse;

beforeAll(async () => {
  warehouse = createWarehouse({ url: databases.warehouseUrl, poolSize: 4 });
  await warehouse.prepare();
  await load('old\n1\n');
});
afterAll(() => warehouse.close());

function load(
  content: string | Buffer,
  config: Record<string, unknown> = {},
  chunkBytes?: number,
): Promise<unknown> {
  const files = { 'file.csv': content };
  return runJob(warehouse, {
    kind: upload,
    config: { file: 'file.csv', ...config },
    files,
    ...(chunkBytes && { chunkBytes }),
  });
}

const headers = (count: number) => Array.from({ length: count }, (_, index) => `c${index}`).join(',');
const wide = (count: number, value: string) =>
  `${headers(count)}\n${Array.from({ length: count }, () => value).join(',')}\n`;

/** File, then its rows in text form. `\N` stands for null. */
const loaded: [string, string | Buffer, string[][], Record<string, unknown>?][] = [
  ['a byte order mark', '\ufeffa,b\n1,2\n', [['1', '2']]],
  [
    'line ends of old Macs',
    'a,b\r1,2\r3,4\r',
    [
      ['1', '2'],
      ['3', '4'],
    ],
  ],
  ['line ends of Windows', 'a,b\r\n1,2\r\n', [['1', '2']]],
  [
    'mixed line ends',
    'a,b\r\n1,2\n3,"x\r\ny"\r5,6',
    [
      ['1', '2'],
      ['3', 'x\r\ny'],
      ['5', '6'],
    ],
  ],
  ['quotes, delimiters and line breaks in quotes', 'a,b\n"say ""hi""","x,\ny"\n', [['say "hi"', 'x,\ny']]],
  [
    'nulls and empty strings',
    'a,b\n,""\nx,y\n',
    [
      ['\\N', ''],
      ['x', 'y'],
    ],
  ],
  ['one column with nulls', 'a\n1\n\n3\n', [['1'], ['\\N'], ['3']]],
  ['a line of backslash and dot', 'a\nx\n\\.\ny\n', [['x'], ['\\.'], ['y']]],
  ['backslash and dot in quotes', 'a,b\n"\\.\n\\.\n",\\N\n', [['\\.\n\\.\n', '\\N']]],
  ['a header without a line end', 'a,b', []],
  ['a header alone', 'a,b\n', []],
  ['names that JavaScript knows', '__proto__,constructor\n1,2\n', [['1', '2']]],
  ['names with quotes and spaces', '"say ""hi"" ",Ärger\n1,2\n', [['1', '2']]],
  ['names that differ in case', 'a,A\n1,2\n', [['1', '2']]],
  ['a delimiter of its own', 'a;b\n1;2,5\n', [['1', '2,5']], { delimiter: ';' }],
  ['a name with a semicolon, if a comma is asked for', 'a;b\n1\n', [['1']], { delimiter: ',' }],
  ['zeros in front, signs and exponents, as text', 'a,b,c\n00501,+1,1e5\n', [['00501', '+1', '1e5']]],
  ['a field of ten million characters', `a\n${'x'.repeat(10_000_000)}\n`, [['x'.repeat(10_000_000)]]],
  ['1,600 short columns', wide(1_600, '1'), [Array.from({ length: 1_600 }, () => '1')]],
];

describe('loads', () => {
  it.each(loaded)('%s', async (_, content, rows, config) => {
    const chunkSizes = content.length < 1_000 ? [1, 2, 65_536] : [65_536];
    for (const chunkBytes of chunkSizes) {
      expect(await load(content, config, chunkBytes)).toMatchObject({ rows: rows.length });
      const columns = await query(
        databases.warehouseUrl,
        `select string_agg(format('coalesce(%I::text, %L)', attname, '\\N'), ',' order by attnum)
         from pg_attribute where attrelid = 'flights.result'::regclass and attnum > 0`,
      );
      const text = `select array[${columns[0]?.[0]}] from flights.result`;
      expect(await query(databases.warehouseUrl, text)).toEqual(rows.map((row) => [row]));
    }
  });
});

/** File, then the place and the words that its error must have. */
const refused: [string, string | Buffer, string, RegExp, Record<string, unknown>?][] = [
  ['UTF-16', Buffer.from('\ufeffa,b\n', 'utf16le'), 'line 1, byte 1', /UTF-16.*UTF-8/],
  ['UTF-16, big-endian', Buffer.from('\ufeffa,b\n', 'utf16le').swap16(), 'line 1, byte 1', /UTF-16.*UTF-8/],
  ['UTF-16 without a mark', Buffer.from('a,b\n', 'utf16le'), 'line 1, byte 2', /NUL.*UTF-16/],
  ['Latin-1', Buffer.from('a,b\r\n1,2\r\nx,Zürich\r\n', 'latin1'), 'line 3, byte 4', /0xFC is not UTF-8/],
  ['a character cut at the end', Buffer.from('a\nü').subarray(0, 3), 'line 2, byte 1', /0xC3 is not UTF-8/],
  [
    'a surrogate after a real U+FFFD',
    Buffer.from('a\n\xef\xbf\xbd\xed\xa0\x80', 'latin1'),
    'line 2, byte 4',
    /0xED is not UTF-8/,
  ],
  ['a NUL byte', 'a,b\n1,2\nx\0,2\n', 'line 3, byte 2', /NUL/],
  ['an Excel file', Buffer.from('PK\x03\x04rest'), 'line 1, byte 1', /Excel/],
  ['gzip', Buffer.from([0x1f, 0x8b, 8, 0, 0]), 'line 1, byte 1', /gzip/],
  ['a quote that is never closed', 'a,b\n1,"2\n3,4\n', 'line 2, column 2 ("b")', /never closed/],
  [
    'a quote in a field without quotes',
    'a,b\n1,2\n3,4"5\n',
    'line 3, column 2 ("b")',
    /a quote inside a field/,
  ],
  ['text after a closing quote', 'a,b\n"1\r\n2",2\n3,"4"5\n', 'line 4, column 2 ("b")', /text follows/],
  [
    'a record of over 16 MiB',
    `a\n"${'x'.repeat(recordBytesMax + 10)}`,
    'line 2, column 1 ("a")',
    /longer than 16777216/,
  ],
  [
    'a row with a field too many',
    'a,b\n"x\r\ny\r\nz",2\n3,4,5\n',
    'line 5, column 3',
    /expected 2 fields, found 3/,
  ],
  [
    'a row with a field too few',
    'a,b,c\n1,2,3\n4,5\n',
    'line 3, column 3 ("c")',
    /expected 3 fields, found 2/,
  ],
  ['an empty line', 'a,b\n1,2\n\n3,4\n', 'line 3, column 2 ("b")', /found an empty line/],
  ['a name twice', 'a,b,a\n1,2,3\n', 'line 1, column 3', /"a" is that of column 1/],
  ['an empty name', 'a,,b\n1,2,3\n', 'line 1, column 2', /no name/],
  ['a name of over 63 bytes', `b,${'é'.repeat(32)}\n1,2\n`, 'line 1, column 2', /64 bytes; .* 63/],
  ['a name of a system column', 'a,ctid\n1,2\n', 'line 1, column 2', /"ctid" is Postgres' own/],
  ['1,601 columns', wide(1_601, '1'), 'line 1, column 1601', /1601 columns; .* 1600/],
  ['an empty file', '', 'line 1', /the file is empty/],
  ['a file of one line end', '\n', 'line 1, column 1', /no name/],
  ['another delimiter than the comma', 'a;b\n1;2\n', 'line 1, column 1', /set "delimiter"/],
  [
    'a value that is not of its type',
    'n,m\n"1\n",2\nabc,3\n',
    'line 4, column 1 ("n")',
    /"abc" is not of type bigint/,
    { columns: { n: 'bigint' } },
  ],
  [
    'a day that does not exist',
    'd\n2001-02-29\n',
    'line 2, column 1 ("d")',
    /not of type date.*such as/,
    { columns: { d: 'date' } },
  ],
  [
    'a word that means another day tomorrow',
    'd\ntoday\n',
    'line 2, column 1 ("d")',
    /"today" is not of type date/,
    { columns: { d: 'date' } },
  ],
  [
    'an empty string as a number',
    'n,m\n,1\n"",2\n',
    'line 3, column 1 ("n")',
    /"" is not of type bigint/,
    { columns: { n: 'bigint' } },
  ],
  [
    'a type for no column',
    'a,b\n1,2\n',
    'line 1',
    /"q" that the header does not have; it has "a", "b"/,
    { columns: { q: 'date' } },
  ],
];

describe('refuses, with the place and the old table untouched,', () => {
  it.each(refused)('%s', async (_, content, place, words, config) => {
    await load('old\n1\n');
    const chunkSizes = content.length < 1_000 ? [1, 65_536] : [65_536];
    for (const chunkBytes of chunkSizes) {
      const error: unknown = await load(content, config, chunkBytes).catch((caught: unknown) => caught);
      expect(error).toMatchObject({
        code: 'CSV_INVALID',
        status: 422,
        data: { line: Number(/\d+/.exec(place)?.[0]) },
      });
      expect(String(error)).toContain(`CodedError: ${place}: `);
      expect(String(error)).toMatch(words);
    }
    expect(await query(databases.warehouseUrl, 'select old from flights.result')).toEqual([['1']]);
  });

  it('a row that is wider than a page, which has no place', async () => {
    const message = expect.stringContaining('1600 columns does not fit into a table');
    await expect(load(wide(1_600, '123456.789'))).rejects.toMatchObject({ code: 'CSV_INVALID', message });
  });
});

it('infers a type only where it gives every value back as it was written', async () => {
  const columns: Record<string, [type: string, ...values: string[]]> = {
    whole: ['bigint', '1', '-22', '9223372036854775807', ''],
    beyond: ['numeric', '1', '9223372036854775808', '2', ''],
    decimal: ['numeric', '1.50', '-0.5', '3', ''],
    signed_zero: ['text', '-0', '1', '2', ''],
    signed_zeros: ['text', '-0.00', '1', '2', ''],
    zip: ['text', '00501', '10001', '2', ''],
    exponent: ['text', '1e5', '1', '2', ''],
    bare_point: ['text', '.5', '1', '2', ''],
    spaced: ['text', ' 1', '1', '2', ''],
    grouped: ['text', '1_000', '1', '2', ''],
    truth: ['boolean', 'true', 'false', 'true', ''],
    letters: ['text', 't', 'f', 't', ''],
    day: ['date', '2001-12-31', '2000-02-29', '0001-01-01', ''],
    no_day: ['text', '2001-02-29', '2001-01-01', '', ''],
    slashes: ['text', '31/12/2001', '01/01/2001', '', ''],
    zulu: ['timestamp with time zone', '2001-12-31T23:59:59Z', '2002-01-01T00:00:00Z', '', ''],
    millis: ['timestamp with time zone', '2001-12-31T23:59:59.120Z', '2002-01-01T00:00:00.000Z', '', ''],
    postgres: ['timestamp with time zone', '2001-12-31 23:59:59.12+00', '2002-01-01 00:00:00+00', '', ''],
    mixed_forms: ['text', '2001-12-31T23:59:59Z', '2001-12-31 23:59:59+00', '', ''],
    offset: ['text', '2001-12-31T23:59:59+02:00', '', '', ''],
    leap: ['text', '2001-12-31T23:59:60Z', '', '', ''],
    zoneless: ['text', '2001-12-31 23:59:59', '', '', ''],
    mixed: ['text', '1', 'true', '2001-01-01', ''],
    nothing: ['text', '', '', '', ''],
    empty_string: ['text', '1', '""', '2', ''],
  };
  const lines = [0, 1, 2, 3].map((row) =>
    Object.values(columns)
      .map((column) => column[row + 1])
      .join(','),
  );
  const output = await load(`${Object.keys(columns).join(',')}\n${lines.join('\n')}\n`);
  const expected = Object.entries(columns).map(([name, [type]]) => ({ name, type }));
  expect(output).toMatchObject({ rows: 4, columns: expected });
});

it('gives columns the types that the config names, and infers the others', async () => {
  const output = await load('a,b,c\n1,1,12:30\n', { columns: { a: 'text', c: 'time' } });
  const types = ['text', 'bigint', 'time without time zone'];
  expect(output).toMatchObject({
    columns: ['a', 'b', 'c'].map((name, index) => ({ name, type: types[index] })),
  });
});

it('says how to upload a file that is not there', async () => {
  const missing = runJob(warehouse, { kind: upload, config: { file: 'my file.csv' } });
  const message = expect.stringMatching(/graphrun push.*PUT \/v1\/projects\/flights\/files\/my%20file\.csv/);
  await expect(missing).rejects.toMatchObject({ code: 'FILE_MISSING', message });
});

it('loads no file that is not the one that was uploaded', async () => {
  const attempt = await openTestAttempt(warehouse);
  const test = { kind: upload, config: { file: 'file.csv' }, files: { 'file.csv': 'a\n1\n2\n' } };
  const context = contextOf(attempt, test);
  const whole = await context.files.open('file.csv');
  const files = { open: async () => whole && { ...whole, bytes: 7 } };
  await expect(upload.run({ ...context, files }, test.config)).rejects.toThrow(
    /not the 7 bytes that were uploaded/,
  );
  await attempt.discard();
});

it('loads real data whole', async () => {
  const file = new URL('../../node_modules/vega-datasets/data/airports.csv', import.meta.url);
  const output = await load(await readFile(file));
  expect(output).toMatchObject({ rows: 3_376, bytes: 210_365 });
  const [row] = await query(
    databases.warehouseUrl,
    `select name, latitude from flights.result where iata = 'ORD'`,
  );
  expect(row).toEqual(["Chicago O'Hare International", '41.979595']);
});
