import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Problem } from '../../graph/errors.ts';
import type { Graph } from '../../graph/graph.ts';
import { limits } from '../../graph/limits.ts';
import { validateGraph } from '../../graph/validate.ts';
import { createKinds } from '../../jobs/index.ts';

const kinds = createKinds();
const upload = { kind: 'upload', config: { file: 'a.csv' } };
const transform = (sql: string) => ({ kind: 'transform', config: { sql } });

function problemsOf(definition: unknown): readonly Problem[] {
  const validation = validateGraph(definition, kinds);
  return validation.ok ? [] : validation.problems;
}

function graphOf(definition: unknown): Graph {
  const validation = validateGraph(definition, kinds);
  if (!validation.ok) throw new Error(JSON.stringify(validation.problems));
  return validation.graph;
}

describe('validateGraph', () => {
  it('derives edges from datasets and orders the jobs', () => {
    const graph = graphOf({
      project: 'p',
      jobs: {
        both: transform("select * from {{ ref('a') }}, {{ ref('b') }}"),
        b: transform("select * from {{ ref('a') }}"),
        a: upload,
      },
    });
    expect(graph.jobs.map((job) => [job.key, job.dependsOn])).toEqual([
      ['a', []],
      ['b', ['a']],
      ['both', ['a', 'b']],
    ]);
  });

  it('collapses an edge that is both written and derived', () => {
    const graph = graphOf({
      project: 'p',
      jobs: { a: upload, b: { ...transform("select * from {{ ref('a') }}"), dependsOn: ['a', 'a'] } },
    });
    expect(graph.jobs[1]?.dependsOn).toEqual(['a']);
  });

  it('finds what is wrong in a job beside what is not of its shape', () => {
    const problems = problemsOf({
      project: 'p',
      jobs: {
        a: { ...upload, timeout: 'soon', dependsOn: ['nobody'], when: '1 +', colour: 'red', retry: 3 },
        b: { ...transform("select * from {{ ref('nowhere') }}"), runIf: 'never' },
      },
    });
    expect(new Set(problems.map(({ code, path }) => `${code} ${path}`))).toEqual(
      new Set([
        'SHAPE_INVALID /jobs/a/timeout',
        'SHAPE_INVALID /jobs/a/retry',
        'SHAPE_INVALID /jobs/a',
        'CONDITION_INVALID /jobs/a/when',
        'DEPENDENCY_UNKNOWN /jobs/a/dependsOn/0',
        'SHAPE_INVALID /jobs/b/runIf',
        'DATASET_UNKNOWN /jobs/b/config',
      ]),
    );
  });

  it('finds a cycle, an unknown kind and a missing dependency at once, each with its place', () => {
    const problems = problemsOf({
      project: 'p',
      jobs: {
        x: { ...upload, dependsOn: ['z'] },
        y: { ...upload, config: { file: 'y.csv' }, dependsOn: ['x'] },
        z: { ...upload, config: { file: 'z.csv' }, dependsOn: ['y'] },
        odd: { kind: 'spark' },
        lonely: { ...upload, dependsOn: ['nobody'] },
      },
    });
    expect(problems.map(({ code, path }) => [code, path])).toEqual([
      ['JOB_KIND_UNKNOWN', '/jobs/odd/kind'],
      ['DEPENDENCY_UNKNOWN', '/jobs/lonely/dependsOn/0'],
      ['GRAPH_CYCLE', expect.stringMatching(/^\/jobs\/[xyz]$/)],
    ]);
    expect(problems[2]?.message).toMatch(/x -> y -> z -> x|y -> z -> x -> y|z -> x -> y -> z/);
    expect(problems[0]?.message).toContain('known kinds: upload, transform');
  });

  it.each([
    ['a job that waits for itself', { a: { ...upload, dependsOn: ['a'] } }, 'GRAPH_CYCLE', '/jobs/a'],
    [
      'an unknown dataset',
      { a: transform("select * from {{ ref('nope') }}") },
      'DATASET_UNKNOWN',
      '/jobs/a/config',
    ],
    [
      'two writers of one dataset',
      { a: upload, b: { kind: 'upload', config: { file: 'b.csv', dataset: 'a' } } },
      'DATASET_TWO_WRITERS',
      '/jobs/b',
    ],
    ['a bad key', { 'A-1': upload }, 'NAME_INVALID', '/jobs/A-1'],
    ['a bad config', { a: { kind: 'upload', config: { fil: 'x' } } }, 'JOB_CONFIG_INVALID', '/jobs/a/config'],
    ['a misspelt field', { a: { ...upload, dependOn: [] } }, 'SHAPE_INVALID', '/jobs/a'],
    ['a bad duration', { a: { ...upload, timeout: '5 minutes' } }, 'SHAPE_INVALID', '/jobs/a/timeout'],
    ['no job at all', {}, 'SHAPE_INVALID', '/jobs'],
  ])('refuses %s', (_, jobs, code, path) => {
    expect(problemsOf({ project: 'p', jobs })).toContainEqual(expect.objectContaining({ code, path }));
  });

  it.each([
    ['a reserved project name', { project: 'pg-x', jobs: { a: upload } }, '/project'],
    ['an unknown time zone', { project: 'p', timezone: 'Mars/Base', jobs: { a: upload } }, '/timezone'],
    ['an offset as time zone', { project: 'p', timezone: '+02:00', jobs: { a: upload } }, '/timezone'],
    ['an unknown field', { project: 'p', owner: 'me', jobs: { a: upload } }, ''],
    ['something else than an object', 'graph', ''],
    ['an array of jobs', { project: 'p', jobs: [upload] }, '/jobs'],
  ])('refuses %s', (_, definition, path) => {
    expect(problemsOf(definition)).toContainEqual(expect.objectContaining({ code: 'SHAPE_INVALID', path }));
  });

  it('names each limit that a graph exceeds', () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`j${i}`, upload]));
    expect(problemsOf({ project: 'p', jobs: many(limits.jobsPerGraph + 1) })[0]).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: '10001 jobs; the limit is 10000',
    });
    const parents = many(limits.parentsPerJob + 1);
    expect(
      problemsOf({
        project: 'p',
        jobs: { ...parents, child: { ...upload, dependsOn: Object.keys(parents) } },
      }),
    ).toContainEqual(
      expect.objectContaining({ path: '/jobs/child/dependsOn', message: '101 parents; the limit is 100' }),
    );
    const sql = `select '${'x'.repeat(200_000)}'`;
    const large = Object.fromEntries(Array.from({ length: 22 }, (_, i) => [`j${i}`, transform(sql)]));
    expect(problemsOf({ project: 'p', jobs: large })[0]?.message).toContain('the limit is 4194304');
  });

  it('checks the config and the kind of a job whose other fields are wrong', () => {
    const jobs = {
      a: { kind: 'upload', timeout: 'soon', config: { fil: 'x' } },
      b: { kind: 'spark', timeout: 'soon' },
    };
    expect(problemsOf({ project: 'p', jobs }).map(({ code, path }) => [code, path])).toEqual([
      ['SHAPE_INVALID', '/jobs/a/timeout'],
      ['JOB_CONFIG_INVALID', '/jobs/a/config/file'],
      ['JOB_CONFIG_INVALID', '/jobs/a/config'],
      ['SHAPE_INVALID', '/jobs/b/timeout'],
      ['JOB_KIND_UNKNOWN', '/jobs/b/kind'],
    ]);
  });

  it.each([
    ['dependsOn of numbers', { a: { ...upload, dependsOn: Array(1_000_000).fill(1) } }, 1],
    [
      'columns of no type',
      { a: { ...upload, config: { file: 'a', columns: wrongColumns() } } },
      limits.problemsShown,
    ],
    ['retry of numbers', { a: { ...upload, retry: { nonRetryableErrors: Array(500_000).fill(1) } } }, 1],
    ['jobs that wait for none', manyWrong(), limits.problemsShown],
  ])('refuses any number of %s, in time', { timeout: 10_000 }, (_, jobs, told) => {
    expect(problemsOf({ project: 'p', jobs })).toHaveLength(told);
  });

  it('refuses what it does not know of a run as a whole, beside what is wrong in jobs', () => {
    const jobs = { a: { ...upload, timeout: '2m', totalTimeout: '1m' } };
    const problems = problemsOf({ project: 'p', onFailure: 'halt', timeout: 'soon', maxOpenRuns: 0, jobs });
    expect(problems.map(({ path }) => path)).toEqual([
      '/onFailure',
      '/timeout',
      '/maxOpenRuns',
      '/jobs/a/totalTimeout',
    ]);
  });

  it('keeps what a graph says of its runs, and nothing that is the default', () => {
    const jobs = { a: upload };
    const read = (more: object) => validateGraph({ project: 'p', ...more, jobs }, kinds);
    expect(read({ onFailure: 'cancel', timeout: '2h' })).toMatchObject({
      graph: { onFailure: 'cancel', timeoutMs: 7_200_000 },
    });
    expect(read({ onFailure: 'continue' })).toMatchObject({
      graph: { project: 'p', timezone: 'UTC', jobs: [{ key: 'a' }] },
      definition: { onFailure: 'continue' },
    });
  });

  it('starts after no project that needs to be told a parameter, and never after itself', () => {
    const jobs = { a: upload };
    const params = { day: { type: 'string' }, year: { type: 'integer', default: 2001 } };
    expect(problemsOf({ project: 'p', after: 'p', params, jobs })).toMatchObject([
      { code: 'GRAPH_CYCLE', path: '/after', message: expect.stringContaining('p -> p') },
      { code: 'PARAM_MISSING', path: '/params/day' },
    ]);
    expect(graphOf({ project: 'p', after: 'other', params: { year: params.year }, jobs })).toMatchObject({
      after: 'other',
    });
  });

  it('says how many problems it does not list', () => {
    const validation = validateGraph({ project: 'p', jobs: manyWrong() }, kinds);
    expect(validation).toMatchObject({ ok: false, unlisted: 9_900 });
  });

  it('refuses keys, edges and rules that are more than a workflow may be sent', () => {
    const jobs = Object.fromEntries(
      Array.from({ length: 8_000 }, (_, index) => [
        `j${index}`,
        { ...upload, timeout: `${index + 1}s`, config: { file: 'f', dataset: `d${index}` } },
      ]),
    );
    expect(problemsOf({ project: 'p', jobs })).toMatchObject([
      { code: 'LIMIT_EXCEEDED', message: expect.stringContaining('bytes of keys, edges and rules') },
    ]);
  });

  it('never throws, whatever it is given', () => {
    fc.assert(fc.property(fc.anything(), (input) => validateGraph(input, kinds) !== undefined));
    fc.assert(
      fc.property(fc.jsonValue(), (jobs) => validateGraph({ project: 'p', jobs }, kinds) !== undefined),
    );
  });

  it('orders every graph without cycles topologically, and finds a cycle in every other', () => {
    const edges = fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { maxLength: 20 });
    fc.assert(
      fc.property(edges, (pairs) => {
        const keys = Array.from({ length: 10 }, (_, index) => `j${index}`);
        const jobs = Object.fromEntries(
          keys.map((key, index) => [
            key,
            { ...upload, dependsOn: pairs.flatMap(([from, to]) => (to === index ? [`j${from}`] : [])) },
          ]),
        );
        const validation = validateGraph({ project: 'p', jobs }, kinds);
        if (validation.ok) {
          const place = new Map(validation.graph.jobs.map((job, index) => [job.key, index]));
          for (const job of validation.graph.jobs) {
            for (const parent of job.dependsOn)
              expect(place.get(parent)).toBeLessThan(place.get(job.key) ?? -1);
          }
        } else {
          for (const problem of validation.problems) expect(isCycleOf(problem, pairs)).toBe(true);
        }
      }),
    );
  });
});

function wrongColumns(): Record<string, number> {
  return Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`c${i}`, 1]));
}

function manyWrong(): Record<string, unknown> {
  return Object.fromEntries(
    Array.from({ length: 100 }, (_, i) => [
      `j${i}`,
      { ...upload, config: { file: `${i}`, dataset: `d${i}` }, dependsOn: Array(100).fill('nobody') },
    ]),
  );
}

/** The told path must be one that the edges have. */
function isCycleOf(problem: Problem, pairs: readonly (readonly [number, number])[]): boolean {
  const path = problem.message.split(': ')[1]?.split(' -> ') ?? [];
  const known = new Set(pairs.map(([from, to]) => `j${from}>j${to}`));
  const steps = path.slice(1).map((to, index) => `${path[index]}>${to}`);
  return (
    problem.code === 'GRAPH_CYCLE' &&
    path[0] === path.at(-1) &&
    steps.length > 0 &&
    steps.every((step) => known.has(step))
  );
}
