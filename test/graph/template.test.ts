import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { KindRules } from '../../graph/kinds.ts';
import { fillTemplates, findTemplates, parseTemplate } from '../../graph/template.ts';
import { validateGraph } from '../../graph/validate.ts';
import { createKinds } from '../../jobs/index.ts';

const values = {
  params: { year: 2001, name: 'x', list: [1, { a: 'b' }] },
  outputs: { load: { rows: 5, columns: [{ name: 'day' }] }, none: null },
};

function fill(config: Record<string, unknown>, charsMax = 1_000): unknown {
  return fillTemplates(config, findTemplates(config), values, charsMax);
}

describe('a template', () => {
  it('that is a whole text gives the value as it is', () => {
    expect(
      fill({
        year: '{{ params.year }}',
        list: ['{{params.list}}', { deep: '{{ outputs.load.columns.0.name }}' }],
        none: '{{ outputs.none }}',
      }),
    ).toEqual({ year: 2001, list: [[1, { a: 'b' }], { deep: 'day' }], none: null });
  });

  it('inside of a text is put in as text', () => {
    expect(fill({ text: 'of {{ params.year }}: {{ outputs.load.rows }} rows, {{ params.list }}' })).toEqual({
      text: 'of 2001: 5 rows, [1,{"a":"b"}]',
    });
  });

  it('can write its own marker', () => {
    expect(fill({ text: `{{ '{{' }} params.year }} {{ "{{" }}` })).toEqual({ text: '{{ params.year }} {{' });
  });

  it.each([
    '{{ year }}',
    '{{ params.year | upper }}',
    '{{ params. }}',
    '{{ run.id }}',
    '{{ run.scheduledAt.year }}',
    '{{ params.a + 1 }}',
    '{{ }}',
    '{{ x',
    '{{{{',
  ])('that is no path is a problem: %s', (text) => {
    expect(parseTemplate(text).problems.length).toBeGreaterThan(0);
  });

  it.each([
    ['{{ params.nothing }}', /no such parameter/],
    ['{{ params.constructor }}', /no such parameter/],
    ['{{ params.name.length }}', /no "length" in it/],
    ['{{ outputs.other.rows }}', /"other" has no output in this run/],
    ['{{ outputs.load.__proto__ }}', /no "__proto__" in it/],
  ])('whose value is missing is refused: %s', (text, why) => {
    expect(() => fill({ a: [text] })).toThrow(why);
  });

  it('is bounded in what it fills in', () => {
    expect(() => fill({ text: '{{ params.list }}'.repeat(100) })).toThrow(/more than 1000 characters/);
  });

  it('leaves the config as it was', () => {
    const config = { a: { b: '{{ params.year }}' } };
    fill(config);
    expect(config).toEqual({ a: { b: '{{ params.year }}' } });
  });
});

const typed: KindRules = {
  kind: 'typed',
  config: z.strictObject({
    year: z.int(),
    text: z.string().max(20).optional(),
    list: z.array(z.number()).optional(),
    dataset: z.string().optional(),
  }),
  inputs: () => [],
  files: () => [],
  outputs: ({ dataset }, job) => [typeof dataset === 'string' ? dataset : job],
};
const kinds = new Map([...createKinds(), ['typed', typed]] as const);

function validate(jobs: Record<string, unknown>) {
  return validateGraph({ project: 'p', params: { year: { default: 1 } }, jobs }, kinds);
}

function problemsOf(jobs: Record<string, unknown>): string[] {
  const validation = validate(jobs);
  return validation.ok ? [] : validation.problems.map(({ code, path }) => `${code} ${path}`);
}

describe('a config with templates', () => {
  it('is pushed as it was written, and makes edges to the jobs whose outputs it asks for', () => {
    const config = { year: '{{ params.year }}', text: 'rows: {{ outputs.a.rows }}' };
    const validation = validate({
      b: { kind: 'typed', config },
      a: { kind: 'upload', config: { file: '{{ params.year }}.csv' } },
    });
    expect(validation.ok && validation.graph.jobs).toMatchObject([
      { key: 'a', files: [], outputs: ['a'], templates: [['file']] },
      { key: 'b', config, dependsOn: ['a'], templates: [['year'], ['text']] },
    ]);
  });

  it('is checked where it has none, and for what it names', () => {
    expect(
      problemsOf({
        a: { kind: 'typed', config: { year: '{{ params.yaer }}', list: ['x'] } },
        b: { kind: 'typed', config: { year: '{{ outputs.nobody.rows }}' } },
        c: { kind: 'typed', config: { year: '{{ year }}', odd: 1 } },
        d: { kind: 'typed', config: { text: '{{ params.year }}' } },
        e: { kind: 'typed', config: { year: '{{ params.year }}', dataset: '{{ params.year }}' } },
        f: { kind: 'typed', config: { year: '{{ params.yaer }}' } },
      }),
    ).toEqual([
      'JOB_CONFIG_INVALID /jobs/a/config/list/0',
      'JOB_CONFIG_INVALID /jobs/c/config',
      'TEMPLATE_INVALID /jobs/c/config/year',
      'JOB_CONFIG_INVALID /jobs/d/config/year',
      'TEMPLATE_INVALID /jobs/e/config',
      'PARAM_UNKNOWN /jobs/f/config/year',
      'DEPENDENCY_UNKNOWN /jobs/b/config/year',
    ]);
  });

  it('that asks for its own output is a cycle', () => {
    expect(problemsOf({ a: { kind: 'typed', config: { year: '{{ outputs.a.rows }}' } } })).toEqual([
      'GRAPH_CYCLE /jobs/a',
    ]);
  });

  it('is SQL, where they make edges as well and must be known', () => {
    const sql = "select * from {{ ref('a') }} where n = {{ params.year }} or n > {{ outputs.c.rows }}";
    const jobs = {
      a: { kind: 'upload', config: { file: 'a.csv' } },
      c: { kind: 'upload', config: { file: 'c.csv' } },
      b: { kind: 'transform', config: { sql } },
    };
    const validation = validate(jobs);
    const [, , job] = validation.ok ? validation.graph.jobs : [];
    expect(job).toMatchObject({ key: 'b', dependsOn: ['a', 'c'], inputs: ['a'], config: { sql } });
    expect(job?.templates).toBeUndefined();
    const unknown = 'select {{ params.yaer }}, {{ outputs.nobody.rows }}, {{ outputs.d.rows }}';
    expect(problemsOf({ d: { kind: 'transform', config: { sql: unknown } } })).toEqual([
      'PARAM_UNKNOWN /jobs/d/config/sql',
      'DEPENDENCY_UNKNOWN /jobs/d/config/sql',
      'GRAPH_CYCLE /jobs/d',
    ]);
    expect(problemsOf({ d: { kind: 'transform', config: { sql: "select '{{ params.year }}'" } } })).toEqual([
      'JOB_CONFIG_INVALID /jobs/d/config/sql',
    ]);
  });
});
