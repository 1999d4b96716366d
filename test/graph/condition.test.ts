import { describe, expect, it } from 'vitest';
import { isMet, parseCondition } from '../../graph/condition.ts';
import { limits } from '../../graph/limits.ts';
import { validateGraph } from '../../graph/validate.ts';
import { createKinds } from '../../jobs/index.ts';

const values = {
  params: { year: 2001, ratio: 1.5, mode: 'full', tags: ['a', 'b'], big: 2 ** 60 },
  outputs: { load: { rows: 5, note: null, columns: [{ name: 'day' }] } },
};

function met(text: string): boolean {
  const condition = parseCondition(text);
  if (!condition.ok) throw new Error(condition.message);
  return isMet(text, condition.references, values);
}

describe('a condition', () => {
  it.each([
    ['params.year > 2000 && params.mode == "full"', true],
    ['params.year + 1 == 2002', true],
    ['params.year == 2001.0 && params.ratio > 1', true],
    ['outputs.load.rows / 2 == 2', true],
    ['outputs.load.rows == 0', false],
    ['outputs.load.note == null', true],
    ['outputs.load.columns.exists(c, c.name == "day")', true],
    ['"c" in params.tags', false],
    ['params.mode in ["fast", "full"]', true],
    ['has(outputs.none.rows)', false],
    ['outputs.?none.?rows.orValue(0) > 1', false],
    ['outputs["load"].rows > 1', true],
    ['params["ye" + "ar"] == 2001', true],
    ['params.big > 1.0', true],
    ['true', true],
  ])('%s is %s', (text, expected) => {
    expect(met(text)).toBe(expected);
  });

  it('tells what it asks for', () => {
    const condition = parseCondition(
      'outputs.a.rows > params.min && outputs["b"].x == 1 || outputs.?c.?y.orValue(true)',
    );
    expect(condition.ok && condition.references.map(({ text }) => text)).toEqual([
      'outputs.a',
      'params.min',
      'outputs.b',
      'outputs.c',
    ]);
  });

  it.each([
    ['params.year >', /Unexpected token/],
    ['1 + 1', /expected a condition, true or false; this is of the type int/],
    ['rows > 1', /Unknown variable: rows/],
    ['"a" + 1 == "a1"', /no such overload/],
    ['outputs.exists(o, o == "a")', /expected "outputs" with the key of a job/],
    ['outputs[params.mode].rows > 1', /expected "outputs" with the key of a job/],
    ['process.exit()', /Unknown variable: process/],
    [`true${' && true'.repeat(1_000)}`, /the limit is 4000/],
    [`true${' && true'.repeat(499)}`, undefined],
    [`${'('.repeat(200)}true${')'.repeat(200)}`, /depth/i],
  ])('is checked on push: %.40s', (text, why) => {
    const condition = parseCondition(text);
    expect(condition.ok ? undefined : condition.message).toEqual(why && expect.stringMatching(why));
  });

  it.each([
    ['outputs.load.lines > 1', /No such key: lines/],
    ['outputs.none.rows > 1', /No such key: rows/],
    ['params.mode', /no true or false, but a value of the type string/],
    ['params.mode > 1', /no such overload/],
    ['params.constructor == "x"', /No such key: constructor/],
    ['params.mode.constructor == "x"', /./],
  ])('that cannot be told throws: %s', (text, why) => {
    expect(() => met(text)).toThrow(why);
  });

  it('that does not end in time throws', () => {
    const slow = { params: { text: `${'a'.repeat(40)}!` }, outputs: {} };
    expect(() => isMet('params.text.matches("^(a+)+$")', [], slow)).toThrow(/took longer than 1000 ms/);
  });

  it('is bounded', () => {
    expect(limits.conditionChars).toBe(4_000);
  });
});

describe('the condition of a job', () => {
  const upload = { kind: 'upload', config: { file: 'a.csv' } };
  const validate = (jobs: unknown) =>
    validateGraph({ project: 'p', params: { min: { default: 1 } }, jobs }, createKinds());

  it('makes edges to the jobs whose outputs it asks for', () => {
    const when = 'outputs.a.rows > params.min';
    const validation = validate({ b: { ...upload, when }, a: upload });
    expect(validation.ok && validation.graph.jobs).toMatchObject([
      { key: 'a', dependsOn: [] },
      { key: 'b', dependsOn: ['a'], when },
    ]);
  });

  it('is refused with all else that is wrong, at its place', () => {
    const validation = validate({
      a: { ...upload, when: 'params.mni > 1' },
      b: { ...upload, when: 'outputs.nobody.rows > 1' },
      c: { ...upload, when: 'params.min > ' },
      d: { ...upload, config: {}, when: 'x' },
      e: { ...upload, when: 'outputs.e.rows > 1' },
    });
    expect(validation.ok ? [] : validation.problems.map(({ code, path }) => `${code} ${path}`)).toEqual([
      'CONDITION_INVALID /jobs/c/when',
      'JOB_CONFIG_INVALID /jobs/d/config/file',
      'CONDITION_INVALID /jobs/d/when',
      'PARAM_UNKNOWN /jobs/a/when',
      'DEPENDENCY_UNKNOWN /jobs/b/when',
      'GRAPH_CYCLE /jobs/e',
    ]);
  });
});
