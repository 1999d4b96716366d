// Runs that are resumed after their graph, their files or their datasets have changed.
import { describe, expect, it } from 'vitest';
import type { GraphDefinition } from '../../graph/definition.ts';
import { expectProved } from '../support/expect-proved.ts';
import { once, statesOf, useResumes, whole } from '../support/resumes.ts';

const { engine, resume, failIn, pushChain } = await useResumes();
const { store } = engine;

describe('a resume', () => {
  it('goes on by the pinned definition, or by the latest one where that is asked for', async () => {
    await pushChain('latest');
    const id = await failIn('latest', 'b');
    await engine.push({
      project: 'latest',
      jobs: {
        a: { kind: 'breakable' },
        c: { kind: 'breakable', dependsOn: ['a'] },
        d: { kind: 'reader', config: { of: 'a' }, dependsOn: ['c'] },
        e: { kind: 'breakable', config: { text: 'new' } },
        f: { kind: 'breakable', dependsOn: ['e'] },
      },
    });
    const pinned = await store.resumes.plan(id, whole);
    expect(pinned.version).toBe(1);
    expect(pinned.jobs.filter(({ action }) => action === 'rerun').map(({ job }) => job)).toEqual([
      'b',
      'c',
      'd',
    ]);
    const latest = await store.resumes.plan(id, { ...whole, latest: true });
    const actions = Object.fromEntries(
      latest.jobs.map(({ job, action, reasons }) => [job, [action, ...reasons.map(({ reason }) => reason)]]),
    );
    expect(actions).toEqual({
      a: ['keep', 'succeeded'],
      c: ['rerun', 'unreached', 'definition_changed'],
      d: ['rerun', 'unreached', 'downstream'],
      e: ['rerun', 'definition_changed'],
      f: ['rerun', 'added', 'downstream'],
      b: ['drop', 'removed'],
    });
    const run = await resume(id, { latest: true, plan: latest.hash });
    expect(run).toMatchObject({ state: 'SUCCESS', version: 2 });
    expect(statesOf(run)).toEqual({
      a: 'SUCCESS epoch 1 reused',
      b: 'SUCCESS skipped epoch 2',
      c: 'SUCCESS epoch 2',
      d: 'SUCCESS epoch 2',
      e: 'SUCCESS epoch 2',
      f: 'SUCCESS epoch 2',
    });
    expect(run.droppedJobs).toEqual(['b']);
    const again = await engine.store.resumes.plan(id, { from: ['a'], latest: true });
    expect(again.jobs.map(({ job, action }) => `${action} ${job}`)).not.toContain('drop b');
    await expect(engine.store.resumes.plan(id, { from: ['b'], latest: false })).rejects.toMatchObject({
      problems: [{ message: '"b" is not a job of this run by version 2 of its graph' }],
    });
    await expectProved(engine, id);
  });

  it('on the latest graph has the parameters that it declares, with their defaults', async () => {
    const push = (params: NonNullable<GraphDefinition['params']>, text: string) =>
      engine.push({
        project: 'params',
        params,
        jobs: { a: { kind: 'breakable', config: { text }, retry: once } },
      });
    await push({ old: { type: 'string', default: 'was' } }, '{{ params.old }}');
    const id = await failIn('params', 'a');
    const named = { type: 'string', default: 'is' };
    await push({ named, old: { type: 'string' } }, '{{ params.old }} {{ params.named }}');
    const run = await resume(id, { latest: true });
    expect(run.params).toEqual({ old: 'was', named: 'is' });
    expect((await store.jobRuns.get(run.jobRuns[0]?.id ?? '')).output).toEqual({ text: 'was is' });
    await push({ needed: { type: 'integer' } }, '{{ params.needed }}');
    await expect(store.resumes.plan(id, { ...whole, latest: true })).rejects.toMatchObject({
      code: 'PARAMS_INVALID',
    });
  });

  it('runs again what read a dataset that another run has replaced since', async () => {
    const read = { kind: 'transform', config: { sql: "select * from {{ ref('staged') }}" } };
    const stage = (value: number) => ({ kind: 'stager', config: { value, chars: 1 } });
    const push = (value: number) =>
      engine.push({
        project: 'replaced',
        jobs: { source: stage(value), read, last: { kind: 'breakable', dependsOn: ['read'], retry: once } },
      });
    await push(1);
    const id = await failIn('replaced', 'last');
    const before = await store.resumes.plan(id, whole);
    expect(before.jobs.filter(({ action }) => action === 'rerun').map(({ job }) => job)).toEqual(['last']);
    await engine.run('replaced');
    const after = await store.resumes.plan(id, whole);
    expect(after.jobs).toMatchObject([
      { job: 'source', action: 'keep' },
      { job: 'read', action: 'rerun', reasons: [{ reason: 'input_changed', because: ['staged'] }] },
      { job: 'last', action: 'rerun' },
    ]);
    await expect(store.resumes.resume(id, { ...whole, plan: before.hash })).rejects.toMatchObject({
      code: 'PLAN_OUTDATED',
    });
    expect(await resume(id, { plan: after.hash })).toMatchObject({ state: 'SUCCESS' });
  });

  it('uploads a file again that was replaced since', async () => {
    const upload = (text: string) => {
      const content = (async function* () {
        yield Buffer.from(text);
      })();
      return store.files.upload({ project: 'file', name: 'n.csv', content, actor: 'test' });
    };
    await engine.push({
      project: 'file',
      jobs: {
        n: { kind: 'upload', config: { file: 'n.csv' } },
        last: { kind: 'breakable', dependsOn: ['n'], retry: once },
      },
    });
    await upload('n\n1\n');
    const id = await failIn('file', 'last');
    expect((await store.resumes.plan(id, whole)).jobs[0]).toMatchObject({ job: 'n', action: 'keep' });
    await upload('n\n1\n2\n');
    expect((await store.resumes.plan(id, whole)).jobs[0]).toMatchObject({
      job: 'n',
      action: 'rerun',
      reasons: [{ reason: 'input_changed', because: ['n.csv'] }],
    });
    const run = await resume(id);
    const n = await store.jobRuns.get(run.jobRuns[0]?.id ?? '');
    expect(n.output).toMatchObject({ rows: 2 });
  });
});
