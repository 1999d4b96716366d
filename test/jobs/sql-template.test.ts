import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Reference } from '../../graph/template.ts';
import { parseSqlTemplate } from '../../jobs/sql-template.ts';
import { transform } from '../../jobs/transform.ts';

const by = {
  tableOf: (dataset: string) => `"flights"."${dataset}"`,
  literalOf: ({ name }: Reference) => `'${name}'`,
};

it('replaces refs by tables, in either quotes and with any spaces', () => {
  const { refs, render } = parseSqlTemplate(
    `select * from {{ ref('b') }}, {{ref("a")}}, {{\n ref( 'b' )\t}}`,
  );
  expect(refs).toEqual(['b', 'a']);
  expect(render(by).sql).toBe('select * from "flights"."b", "flights"."a", "flights"."b"');
});

it('leads every character of what is run back to where it was written', () => {
  const part = fc.constantFrom(
    'select ',
    'é😀',
    '\n',
    `{{ ref('a') }}`,
    `{{ref("long_name")}}`,
    '{{ params.a }}',
    '{{run.scheduledAt}}',
    '\t',
    '}}',
  );
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const text = parts.join('');
      const { sql, written } = parseSqlTemplate(text).render(by);
      expect(written.offsetOf(sql.length)).toBe(text.length);
      for (let offset = 0; offset < sql.length; offset += 1) {
        const isRef = text[written.offsetOf(offset)] === '{';
        if (!isRef) expect(text[written.offsetOf(offset)]).toBe(sql[offset]);
      }
    }),
  );
});

it.each([
  ['select {{ params }}', `line 1, column 8: expected {{ ref('dataset') }}, {{ params.name }}, `],
  [
    `select\n '{{ params.x }}'`,
    'line 2, column 3: {{ params.x }} stands in a quoted text, and brings quotes of its own: write {{ params.x }}',
  ],
  [`select 'a''b {{params.x}}%' `, `write 'a''b ' || {{params.x}} || '%'`],
  [`select E'\\'{{ params.x }}'`, 'line 1, column 12: {{ params.x }} stands in a quoted text'],
  [`select E'a'\n'\\'{{ params.x }}'`, 'line 2, column 4: {{ params.x }} stands in a quoted text'],
  ['select $$ {{ params.x }} $$', '{{ params.x }} stands in a quoted text'],
  ['select $a$ $$ {{ params.x }} $a$', 'write it outside of the text, joined by ||'],
  [`select '{{ params.x }}`, '{{ params.x }} stands in a quoted text'],
  [
    'select 1 as "{{ params.x }}"',
    '{{ params.x }} stands in a quoted name; it is a value, which makes no name',
  ],
  ['select 1 -- {{ params.x }}', '{{ params.x }} stands in a comment: take it out'],
  ['select 1 /* /* */ {{ params.x }} */', '{{ params.x }} stands in a comment: take it out'],
  [`select '{{ ref('a') }}', '{{ params.x }}'`, 'line 1, column 27: {{ params.x }} stands in a quoted text'],
  [
    'select * from t_{{ params.x }}',
    '{{ params.x }} is written as part of a word; it is a value, which makes no name',
  ],
  ['select {{ params.x }}x', 'is written as part of a word'],
  ['select * from s.{{ params.x }}', 'is written as part of a word'],
  [`select E{{ params.x }}`, 'is written as part of a word'],
  [
    `select 'a'\n -- b\n {{ params.x }}`,
    'line 3, column 2: {{ params.x }} stands beside another text or value',
  ],
  [
    `select {{ params.x }}\n'a'`,
    'stands beside another text or value with nothing in between: join them by ||',
  ],
  [`select 1,\n  '{{1,2}}'::int[]`, 'line 2, column 4: expected {{ ref('],
  [`select 😀 {{ ref('Airports') }}`, 'line 1, column 10: "Airports" is not a dataset'],
  [`select {{ ref('a") }}`, 'line 1, column 8: expected {{ ref('],
  [`select {{ ref('x"; drop table y') }}`, 'line 1, column 8: expected {{ ref('],
  [`select {{ ref() }}`, 'line 1, column 8: expected {{ ref('],
  [' \n\t', 'expected a query, found nothing'],
  [`select '${'x'.repeat(262_144)}'`, '262153 bytes of SQL; the limit is 262144'],
  ['select 1 \0', 'SQL cannot hold a NUL character'],
])('refuses on save: %j', (sql, message) => {
  const { error } = transform.config.safeParse({ sql });
  expect(error?.issues).toEqual([
    expect.objectContaining({ path: ['sql'], message: expect.stringContaining(message) }),
  ]);
});

it('tells of two values with nothing in between at both', () => {
  const { problems } = parseSqlTemplate('select {{ params.x }} {{ params.y }}, {{ params.x }}');
  expect(problems.map(({ offset }) => offset)).toEqual([7, 22]);
});

it('finds values in their order, and knows texts from what only looks like them', () => {
  const sql = `select {{ params.a }}, a$b$c, {{ outputs.job.rows }} /* ' */ where '{' < {{run.scheduledAt}}::text`;
  const { problems, values } = parseSqlTemplate(sql);
  expect(problems).toEqual([]);
  expect(values.map(({ from, name }) => [from, name])).toEqual([
    ['params', 'a'],
    ['outputs', 'job'],
    ['run', 'scheduledAt'],
  ]);
});

it('tells every slip at once', () => {
  const { error } = transform.config.safeParse({ sql: 'select {{ a }}, {{ b }}' });
  expect(error?.issues).toHaveLength(2);
});

it.each([
  ['that is open', '{{'],
  ['in a text', "'x{{ params.x }}'"],
  ['without a blank', '{{ params.x }}'],
])('tells a hundred slips of thousands, and takes no long time for it: each %s', (_, slip) => {
  const sql = `select ${slip.repeat(262_000 / slip.length)}`;
  const startedAt = performance.now();
  const { error } = transform.config.safeParse({ sql });
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  expect(error?.issues).toHaveLength(101);
  expect(error?.issues.at(-1)?.message).toMatch(/^and \d{4,} more of these$/);
});

it('reads the datasets of its refs and writes the one of its name, or of its key', () => {
  const sql = `select * from {{ ref('b') }} join {{ ref('a') }} using (id) join {{ ref('b') }} c using (id)`;
  expect(transform.inputs({ sql })).toEqual(['b', 'a']);
  expect(transform.outputs({ sql }, 'job')).toEqual(['job']);
  expect(transform.outputs({ sql, dataset: 'other' }, 'job')).toEqual(['other']);
});
