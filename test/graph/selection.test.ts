import { describe, expect, it } from 'vitest';
import type { Graph } from '../../graph/graph.ts';
import { makePlan } from '../../graph/plan.ts';
import { beginProgress, completeJob, takeReady, takeSettled } from '../../graph/planner.ts';
import { selectJobs } from '../../graph/selection.ts';
import { validateGraph } from '../../graph/validate.ts';
import { createKinds } from '../../jobs/index.ts';

/** a -> b -> c -> d, and e alone. */
const graph = chain();

function chain(): Graph {
  const upload = (dependsOn: string[]) => ({ kind: 'upload', config: { file: 'f.csv' }, dependsOn });
  const jobs = { a: upload([]), b: upload(['a']), c: upload(['b']), d: upload(['c']), e: upload([]) };
  const validation = validateGraph({ project: 'p', jobs }, createKinds());
  if (!validation.ok) throw new Error('the graph of this test is not valid');
  return validation.graph;
}

function keysOf(...selectors: string[]): string[] {
  const selection = selectJobs(graph, selectors);
  if (!selection.ok) throw new Error(JSON.stringify(selection.problems));
  return [...selection.keys].sort();
}

describe('selectJobs', () => {
  it.each([
    [['b'], ['b']],
    [['+c'], ['a', 'b', 'c']],
    [['c+'], ['c', 'd']],
    [['+b+'], ['a', 'b', 'c', 'd']],
    [
      ['a', 'e'],
      ['a', 'e'],
    ],
    [
      ['a, e', '+b'],
      ['a', 'b', 'e'],
    ],
  ])('%j selects %j', (selectors, expected) => {
    expect(keysOf(...selectors)).toEqual(expected);
  });

  it('names every selector that finds nothing', () => {
    expect(selectJobs(graph, ['nope', 'a,B!'])).toMatchObject({
      ok: false,
      problems: [
        { path: '/select/0', message: expect.stringContaining('"nope" names no job') },
        { path: '/select/1', message: expect.stringContaining('"B!" is not a selector') },
      ],
    });
  });

  it('refuses an empty selection', () => {
    expect(selectJobs(graph, [])).toMatchObject({ ok: false });
  });
});

describe('makePlan', () => {
  it('keeps the order of selected jobs through those that are left out', () => {
    const plan = makePlan(graph, new Set(['a', 'd']));
    const progress = beginProgress(plan);
    const named = (jobs: number[]) => jobs.map((job) => plan.keys[job]);
    const [first] = takeReady(progress, 10) as [number];
    expect(named([first])).toEqual(['a']);
    completeJob(progress, first, { state: 'SUCCESS', reason: null });
    expect(named(takeReady(progress, 10))).toEqual(['d']);
    expect(takeSettled(progress)).toEqual([]);
  });

  it('hands a failure on through jobs that are left out', () => {
    const plan = makePlan(graph, new Set(['a', 'd']));
    const progress = beginProgress(plan);
    completeJob(progress, (takeReady(progress, 1) as [number])[0], { state: 'FAILED', reason: 'error' });
    expect(takeSettled(progress)).toMatchObject([{ end: { state: 'FAILED', reason: 'upstream_failed' } }]);
  });

  it('leaves out what stands above or below all selected jobs', () => {
    expect(makePlan(graph, new Set(['b', 'c'])).keys).toEqual(['b', 'c']);
  });

  it('holds each set of rules once', () => {
    expect(makePlan(graph, new Set(['a', 'b', 'c', 'd', 'e'])).rules).toHaveLength(1);
  });
});
