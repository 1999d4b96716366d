// Values of a run in SQL, held against Postgres itself: what is put in comes back, and changes nothing around it.
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseSqlTemplate } from '../../jobs/sql-template.ts';
import { literalOf } from '../../warehouse/literals.ts';
import { useDatabases } from '../support/databases.ts';

const { warehouseUrl } = await useDatabases();
const client = new pg.Client({ connectionString: warehouseUrl });
beforeAll(() => client.connect());
afterAll(() => client.end());

const asked = '{{ params.v }}';

function render(text: string, value: unknown) {
  return parseSqlTemplate(text).render({
    tableOf: (name) => `"p"."${name}"`,
    literalOf: () => literalOf(value),
  });
}

async function select(text: string, value: unknown): Promise<unknown[]> {
  const { rows } = await client.query<unknown[]>({ text: render(text, value).sql, rowMode: 'array' });
  return rows[0] ?? [];
}

/** What SQL is full of, in any order. */
const sqlLike = fc
  .array(
    fc.constantFrom(
      "'",
      "''",
      '\\',
      '"',
      '$$',
      '$a$',
      '--',
      '/*',
      '*/',
      ';',
      '\n',
      'E',
      '{{',
      '}}',
      'é',
      '😀',
      ' ',
      'x',
    ),
  )
  .map((parts) => parts.join(''));
const text = fc.oneof(fc.string({ unit: 'binary' }), sqlLike).filter((value) => !value.includes('\0'));
const json = fc
  .jsonValue({ stringUnit: 'grapheme' })
  .filter((value) => !JSON.stringify(value).includes('\\u0000'));

describe('a value in SQL comes back as it was', () => {
  it('that is a text', () =>
    fc.assert(
      fc.asyncProperty(text, async (value) => {
        expect(await select(`select ${asked}, length(${asked})`, value)).toEqual([value, [...value].length]);
      }),
      { numRuns: 300 },
    ));

  it('that is a number, whatever stands before and after it', () =>
    fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })),
        async (value) => {
          const sql = `select ${asked}::float8, -${asked}::float8, 1-${asked}::float8`;
          const found = await select(sql, value);
          // Of two zeros SQL has one.
          expect(found.map((number) => Number(number) + 0)).toEqual([value + 0, 0 - value, 1 - value]);
        },
      ),
      { numRuns: 300 },
    ));

  it('that is true, false or null', async () => {
    for (const value of [true, false, null])
      expect(await select(`select ${asked}::boolean`, value)).toEqual([value]);
    expect(await select(`select ${asked} is null, 1 where ${asked} is null`, null)).toEqual([true, 1]);
  });

  it('that is of JSON', () =>
    fc.assert(
      fc.asyncProperty(fc.oneof(fc.array(json), fc.dictionary(fc.string(), json)), async (value) => {
        fc.pre(!JSON.stringify(value).includes('\\u0000'));
        const [found] = await select(`select ${asked}::jsonb`, value);
        expect(found).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 300 },
    ));

  it('at the edges of types: the smallest numbers are cast with their sign', async () => {
    expect(await select(`select ${asked}::smallint, ${asked}::int2 - 0`, -32768)).toEqual([-32768, -32768]);
    expect(
      await select(`select ${asked}::date - 1 = '2025-12-31', date ${asked} = '2026-01-01'`, '2026-01-01'),
    ).toEqual([true, true]);
    expect(await select(`select interval ${asked} = '1 day'`, '1 day')).toEqual([true]);
    // Without a blank this were a text with escapes.
    expect(await select(`select u&${asked} from (select 6 as u) q`, '3')).toEqual([2]);
  });
});

it('works in the forms that the guide shows', async () => {
  const days = await select(`select ${asked} * interval '1 day' = '5 days', ${asked}::float8`, 5);
  expect(days).toEqual([true, 5]);
  const limited = await client.query(render(`select from generate_series(1, 9) limit ${asked}`, 2).sql);
  expect(limited.rows).toHaveLength(2);
  const list = `select 'b' in (select jsonb_array_elements_text(${asked}::jsonb))`;
  expect(await select(list, ['a', 'b'])).toEqual([true]);
  expect(await select(`select 'in ab' like '%' || ${asked} || '%'`, 'ab')).toEqual([true]);
  expect(await select(`select 1 where ${asked} or current_date is null`, true)).toEqual([1]);
  const at = await select(`select ${asked}::timestamptz = '2026-12-01 02:30+01'`, '2026-12-01T01:30:00.000Z');
  expect(at).toEqual([true]);
});

it.each([
  ['NUL', 'a\0b', /NUL character/],
  ['NUL in JSON', { a: ['\0'] }, /NUL character/],
  ['NUL in a key of JSON', { '\0': 1 }, /NUL character/],
  ['half a character', '\ud800', /half of a surrogate pair/],
  ['half a character in JSON', ['\udc00'], /half of a surrogate pair/],
  ['NaN', Number.NaN, /NaN is no number of SQL/],
  ['infinity', -Infinity, /-Infinity is no number/],
  ['infinity in JSON', [Infinity], /Infinity is no number/],
  ['nothing', undefined, /no value of JSON/],
])('refuses what Postgres does not take: %s', (_, value, message) => {
  expect(() => literalOf(value)).toThrow(message);
});

/** Each is one column, and hides a quote or a comment in one of the ways that there are. */
const columns = [
  `'a'`,
  `'it''s'`,
  `'\\'`,
  `E'\\''`,
  `e'a\\\\'`,
  `E'a''\\'b'`,
  `E'a'\n'b\\'c'`,
  `E'a' -- '\n  -- '\n 'b\\''`,
  `'a'\n'\\'`,
  `U&'\\0027'`,
  `N'\\'`,
  `B'1'`,
  `$$'$$`,
  `$é$ '$$" $é$`,
  `$a$ $b$a$`,
  `1 as a$b$`,
  `1 as "a'b"`,
  `1 as "a""'b"`,
  `1 as U&"d\\0061t'"`,
  `1 /* ' */`,
  `1 /* /* ' */ " */`,
  `1 -- '"$$/*\n`,
  `1 --\r`,
  `1 +/**/-/**/1`,
];

it('stands among texts, names and comments of any kind, and stays a value', () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(asked, ...columns)), sqlLike, async (list, value) => {
      const all = [...list, asked];
      const sql = `select ${all.join(',')}`;
      expect(parseSqlTemplate(sql).problems).toEqual([]);
      const row = await select(sql, value);
      expect(row).toHaveLength(all.length);
      for (const [index, column] of all.entries()) if (column === asked) expect(row[index]).toBe(value);
    }),
    { numRuns: 500 },
  ));

/** Postgres' word on a text, as far as it can tell what the value was. */
async function outcome(sql: string, value: string): Promise<unknown> {
  const { sql: rendered, written } = render(sql, value);
  try {
    // One statement at most is taken so.
    const query = { text: `explain (${rendered}\n)`, queryMode: 'extended' };
    await client.query(query);
    return 'taken';
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    return [error.code, written.offsetOf(Number(error.position) - 1 - 'explain ('.length)];
  }
}

it('has no say in what is SQL: whatever it is, the SQL around it is read alike', () =>
  fc.assert(
    fc.asyncProperty(sqlLike, sqlLike, sqlLike, async (before, after, value) => {
      // Postgres counts characters and not halves of them, and braces are read before it.
      const plain = (part: string) => part.replace(/\{\{|\}\}|😀/gu, '');
      const sql = `select ${plain(before)} ${asked} ${plain(after)}`;
      fc.pre(parseSqlTemplate(sql).problems.length === 0);
      expect(await outcome(sql, plain(value))).toEqual(await outcome(sql, 'x'));
    }),
    { numRuns: 1_000 },
  ));
