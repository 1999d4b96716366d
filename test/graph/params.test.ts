import { describe, expect, it } from 'vitest';
import type { Graph, Params } from '../../graph/graph.ts';
import { limits } from '../../graph/limits.ts';
import { fillParams } from '../../graph/params.ts';
import { validateGraph } from '../../graph/validate.ts';
import { createKinds } from '../../jobs/index.ts';

const kinds = createKinds();
const jobs = { a: { kind: 'upload', config: { file: 'a.csv' } } };

function problemsOf(params: unknown): string[] {
  const validation = validateGraph({ project: 'p', params, jobs }, kinds);
  return validation.ok
    ? []
    : validation.problems.map(({ code, path, message }) => `${code} ${path} ${message}`);
}

function graphOf(params: Record<string, Record<string, unknown>>): Graph {
  const validation = validateGraph({ project: 'p', params, jobs }, kinds);
  if (!validation.ok) throw new Error(JSON.stringify(validation.problems));
  return validation.graph;
}

function refusalsOf(graph: Graph, given: Params): string[] {
  const filled = fillParams(graph, given);
  return filled.ok ? [] : filled.problems.map(({ code, path, message }) => `${code} ${path} ${message}`);
}

describe('parameters of a graph', () => {
  it('are refused all at once: names, schemas, defaults, each with its place', () => {
    expect(
      problemsOf({
        year: { type: 'integer', default: 'x' },
        'a-b': { type: 'string' },
        typo: { type: 'strin' },
        slip: { type: 'integer', minumum: 1 },
        open: { $ref: 'https://example.org/schema.json' },
        shape: 7,
        deep: { type: 'object', properties: { n: { type: 'integer' } }, default: { n: 1.5 } },
      }),
    ).toEqual([
      'SHAPE_INVALID /params/shape Invalid input: expected record, received number',
      'PARAM_SCHEMA_INVALID /params/year/default must be integer',
      expect.stringMatching(/^NAME_INVALID \/params\/a-b "a-b" is no parameter's name/),
      expect.stringMatching(/^PARAM_SCHEMA_INVALID \/params\/typo not a JSON Schema .*type must be/),
      expect.stringMatching(/^PARAM_SCHEMA_INVALID \/params\/slip .*unknown keyword: "minumum"/),
      expect.stringMatching(/^PARAM_SCHEMA_INVALID \/params\/open .*can't resolve reference/),
      'PARAM_SCHEMA_INVALID /params/deep/default/n must be integer',
    ]);
  });

  it('are bounded in number and size', () => {
    const many = Object.fromEntries(
      Array.from({ length: limits.paramsPerGraph + 1 }, (_, i) => [`p${i}`, {}]),
    );
    expect(problemsOf(many)).toEqual(['LIMIT_EXCEEDED /params 101 parameters; the limit is 100']);
    expect(problemsOf({ big: { description: 'x'.repeat(limits.paramSchemaBytes) } })).toEqual([
      expect.stringMatching(/^LIMIT_EXCEEDED \/params\/big \d+ bytes of JSON Schema; the limit is 16384/),
    ]);
  });

  it('keep a pattern whose check of the default does not end from holding up the server', () => {
    expect(
      problemsOf({ slow: { type: 'string', pattern: '^(a+)+$', default: `${'a'.repeat(40)}!` } }),
    ).toEqual([
      'PARAM_SCHEMA_INVALID /params/slow/default could not be checked within 1000 ms: mind its "pattern"',
    ]);
  });
});

describe('parameters of a run', () => {
  const graph = graphOf({
    year: { type: 'integer', minimum: 1987, default: 2001 },
    day: { type: 'string', format: 'date' },
    mode: { enum: ['fast', 'full'], default: 'fast' },
    options: {
      type: 'object',
      properties: { retries: { type: 'integer', default: 3 }, name: { type: 'string' } },
      additionalProperties: false,
      default: {},
    },
  });

  it('are filled in with defaults, those inside of objects too', () => {
    expect(fillParams(graph, { day: '2026-01-31', options: { name: 'x' } })).toEqual({
      ok: true,
      params: { year: 2001, day: '2026-01-31', mode: 'fast', options: { retries: 3, name: 'x' } },
    });
    expect(fillParams(graph, { day: '2026-01-31' })).toMatchObject({
      params: { options: { retries: 3 } },
    });
    expect(graph.params?.options?.default).toEqual({});
  });

  it('are refused all at once: unknown, missing, and those that their schema refuses', () => {
    expect(refusalsOf(graph, { year: 1900, mode: 'slow', yaer: 1, options: { odd: 1, name: 2 } })).toEqual([
      'PARAM_UNKNOWN /params/yaer the graph declares no parameter "yaer"; it has year, day, mode, options',
      'PARAM_INVALID /params/year must be >= 1987',
      'PARAM_MISSING /params/day the parameter "day" has no default and was not given',
      'PARAM_INVALID /params/mode must be equal to one of the allowed values: ["fast","full"]',
      'PARAM_INVALID /params/options must NOT have additional properties: "odd"',
      'PARAM_INVALID /params/options/name must be string',
    ]);
  });

  it('are not taken for those of every object', () => {
    expect(refusalsOf(graphOf({}), { constructor: 1, toString: 2 })).toHaveLength(2);
    expect(refusalsOf(graphOf({ toString: { type: 'string' } }), {})).toHaveLength(1);
  });

  it('are bounded in size', () => {
    const text = 'x'.repeat(limits.paramsBytes);
    expect(refusalsOf(graphOf({ text: { type: 'string' } }), { text })).toEqual([
      expect.stringMatching(/^LIMIT_EXCEEDED \/params \d+ bytes of parameters as JSON; the limit is 65536$/),
    ]);
  });

  it('are none where the graph declares none', () => {
    expect(fillParams({ project: 'p', timezone: 'UTC', jobs: [] }, {})).toEqual({ ok: true, params: {} });
  });
});
