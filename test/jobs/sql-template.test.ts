import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseSqlTemplate } from '../../jobs/sql-template.ts';
import { transform } from '../../jobs/transform.ts';

const tableOf = (dataset: string) => `"flights"."${dataset}"`;

it('replaces refs by tables, in either quotes and with any spaces', () => {
  const { refs, render } = parseSqlTemplate(
    `select * from {{ ref('b') }}, {{ref("a")}}, {{\n ref( 'b' )\t}}`,
  );
  expect(refs).toEqual(['b', 'a']);
  expect(render(tableOf).sql).toBe('select * from "flights"."b", "flights"."a", "flights"."b"');
});

it('leads every character of what is run back to where it was written', () => {
  const part = fc.constantFrom('select ', 'é😀', '\n', `{{ ref('a') }}`, `{{ref("long_name")}}`, '\t', '}}');
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const text = parts.join('');
      const { sql, written } = parseSqlTemplate(text).render(tableOf);
      expect(written.offsetOf(sql.length)).toBe(text.length);
      for (let offset = 0; offset < sql.length; offset += 1) {
        const isRef = text[written.offsetOf(offset)] === '{';
        if (!isRef) expect(text[written.offsetOf(offset)]).toBe(sql[offset]);
      }
    }),
  );
});

it.each([
  [
    'select {{ params.x }}',
    'line 1, column 8: found "{{ params.x }}": values of a run cannot be put into SQL',
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

it('tells every slip at once', () => {
  const { error } = transform.config.safeParse({ sql: 'select {{ a }}, {{ b }}' });
  expect(error?.issues).toHaveLength(2);
});

it('reads the datasets of its refs and writes the one of its name, or of its key', () => {
  const sql = `select * from {{ ref('b') }} join {{ ref('a') }} using (id) join {{ ref('b') }} c using (id)`;
  expect(transform.inputs({ sql })).toEqual(['b', 'a']);
  expect(transform.outputs({ sql }, 'job')).toEqual(['job']);
  expect(transform.outputs({ sql, dataset: 'other' }, 'job')).toEqual(['other']);
});
