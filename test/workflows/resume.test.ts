import { beforeEach, describe, expect, it } from 'vitest';
import type { GraphDefinition } from '../../graph/definition.ts';
import type { GraphRunDetail } from '../../graph/resources.ts';
import type { Resume } from '../../store/resume-runs.ts';
import { useEngine } from '../support/engine.ts';
import { expectProved } from '../support/expect-proved.ts';
import { createTestKinds } from '../support/kinds.ts';
import { resetPoints, resetWorkflow } from '../support/reset.ts';
import { until } from '../support/until.ts';
import { useWatch } from '../support/watch.ts';

const { kinds, begun, broken } = createTestKinds();
const engine = await useEngine(kinds);
const { store } = engine;
useWatch(engine);

const whole: Resume = { from: null, latest: false, plan: null, actor: 'test' };

beforeEach(() => {
  begun.length = 0;
  broken.clear();
});

function statesOf({ jobRuns }: GraphRunDetail): Record<string, string> {
  return Object.fromEntries(
    jobRuns.map(({ job, state, reason, epoch, reused }) => [
      job,
      [state, reason, `epoch ${epoch}`, reused ? 'reused' : null].filter(Boolean).join(' '),
    ]),
  );
}

async function resume(id: string, request: Partial<Resume> = {}): Promise<GraphRunDetail> {
  const run = await store.resumes.resume(id, { ...whole, ...request });
  await engine.client.workflow.start('graphRun', {
    taskQueue: engine.taskQueue,
    workflowId: run.workflowId,
    args: [{ project: run.project, graphRunId: id }],
  });
  return engine.ended(id);
}

const once = { maximumAttempts: 1 };

/** a → b → c → d, and e beside them. */
async function pushChain(project: string, more: Record<string, object> = {}): Promise<void> {
  await engine.push({
    project,
    jobs: {
      a: { kind: 'breakable' },
      b: { kind: 'breakable', dependsOn: ['a'], retry: once },
      c: { kind: 'breakable', dependsOn: ['b'] },
      d: { kind: 'reader', config: { of: 'a' }, dependsOn: ['c'] },
      e: { kind: 'breakable' },
      ...more,
    },
  });
}

async function failIn(project: string, job: string): Promise<string> {
  broken.add(job);
  const { id } = await engine.run(project);
  broken.delete(job);
  begun.length = 0;
  return id;
}

describe('a resume', () => {
  it('runs exactly the jobs that failed or were not reached, and all is proved', async () => {
    await pushChain('middle');
    const id = await failIn('middle', 'b');
    const run = await resume(id);
    expect(run).toMatchObject({ state: 'SUCCESS', epoch: 2, version: 1 });
    expect(begun).toEqual(['b#1', 'c#1']);
    expect(statesOf(run)).toEqual({
      a: 'SUCCESS epoch 1 reused',
      b: 'SUCCESS epoch 2',
      c: 'SUCCESS epoch 2',
      d: 'SUCCESS epoch 2',
      e: 'SUCCESS epoch 1 reused',
    });
    await expectProved(engine, id);
    const b = run.jobRuns.find(({ job }) => job === 'b')?.id ?? '';
    expect(
      (await store.jobRuns.attempts(b)).map(({ number, epoch, state }) => [number, epoch, state]),
    ).toEqual([
      [1, 1, 'FAILED'],
      [2, 2, 'SUCCESS'],
    ]);
    // What was kept is read by those below it.
    const d = await store.jobRuns.get(run.jobRuns.find(({ job }) => job === 'd')?.id ?? '');
    expect(d.output).toEqual({ read: { text: '' }, idempotencyKey: `${id}/d/2` });
  });

  it('may fail again, and be resumed again', async () => {
    await pushChain('again');
    const id = await failIn('again', 'b');
    broken.add('c');
    const failed = await resume(id);
    expect(failed).toMatchObject({ state: 'FAILED', reason: 'job_failed', epoch: 2 });
    broken.clear();
    begun.length = 0;
    const run = await resume(id);
    expect(begun).toEqual(['c#1']);
    expect(statesOf(run)).toEqual({
      a: 'SUCCESS epoch 1 reused',
      b: 'SUCCESS epoch 2 reused',
      c: 'SUCCESS epoch 3',
      d: 'SUCCESS epoch 3',
      e: 'SUCCESS epoch 1 reused',
    });
    await expectProved(engine, id);
    expect(run.tasks.map(({ workflowId, epoch }) => [workflowId, epoch])).toEqual(
      [1, 2, 3].map((epoch) => [`graph-run/${id}/${epoch}`, epoch]),
    );
  });

  it('of a run that succeeded starts at a chosen job', async () => {
    await pushChain('chosen');
    const { id } = await engine.run('chosen');
    begun.length = 0;
    await expect(store.resumes.resume(id, whole)).rejects.toMatchObject({ code: 'NOTHING_TO_RESUME' });
    const run = await resume(id, { from: ['c'] });
    expect(begun).toEqual(['c#1']);
    expect(statesOf(run)).toMatchObject({
      b: 'SUCCESS epoch 1 reused',
      c: 'SUCCESS epoch 2',
      d: 'SUCCESS epoch 2',
    });
    await expectProved(engine, id);
  });

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

  it('twice at once is carried out once', async () => {
    await pushChain('twice');
    const id = await failIn('twice', 'b');
    const { hash } = await store.resumes.plan(id, whole);
    const results = await Promise.allSettled([1, 2, 3].map(() => resume(id, { plan: hash })));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'RUN_IS_OPEN' });
    }
    expect(await store.graphRuns.get(id)).toMatchObject({ state: 'SUCCESS', epoch: 2 });
  });

  it('of an open run, of one that is not there, or from a job that it has not, is refused', async () => {
    await engine.push({ project: 'open', jobs: { a: { kind: 'endless' }, b: { kind: 'noop' } } });
    const { id, handle } = await engine.start('open');
    await expect(store.resumes.plan(id, whole)).rejects.toMatchObject({ code: 'RUN_IS_OPEN' });
    await expect(store.resumes.resume(id, whole)).rejects.toMatchObject({ code: 'RUN_IS_OPEN' });
    await expect(store.resumes.plan('nothing', whole)).rejects.toMatchObject({ code: 'GRAPH_RUN_UNKNOWN' });
    await until(async () => begun.includes('a#1') || undefined, 'a has begun');
    await handle.cancel();
    await engine.ended(id);
    await expect(store.resumes.plan(id, { ...whole, from: ['x', 'a'] })).rejects.toMatchObject({
      code: 'SELECTION_INVALID',
      problems: [{ path: '/from/0' }],
    });
  });

  it('goes on from what a cancel left', async () => {
    await pushChain('cancelled', { slow: { kind: 'endless', dependsOn: ['a'] } });
    const { id, handle } = await engine.start('cancelled');
    await until(async () => begun.includes('slow#1') || undefined, 'slow has begun');
    await until(
      async () => ((await store.graphRuns.get(id)).jobCounts.SUCCESS === 5 ? true : undefined),
      'rest',
    );
    await handle.cancel();
    await engine.ended(id);
    await pushChain('cancelled', { slow: { kind: 'breakable', dependsOn: ['a'] } });
    begun.length = 0;
    const run = await resume(id, { latest: true });
    expect(run).toMatchObject({ state: 'SUCCESS' });
    expect(begun).toEqual(['slow#1']);
  });

  it.each(['first', 'latest'] as const)(
    'keeps what it has kept when Temporal resets it to its %s task',
    async (to) => {
      const project = `reset-${to}`;
      await pushChain(project);
      const id = await failIn(project, 'b');
      await resume(id);
      begun.length = 0;
      const handle = engine.client.workflow.getHandle(`graph-run/${id}/2`);
      const points = await resetPoints(handle);
      await resetWorkflow(handle, (to === 'first' ? points[0] : points.at(-1)) ?? 0);
      await until(
        async () => ((await store.graphRuns.get(id)).epoch === 3 ? true : undefined),
        'it is taken over',
      );
      const run = await engine.ended(id);
      expect(run).toMatchObject({ state: 'SUCCESS', epoch: 3 });
      expect(statesOf(run)).toMatchObject({ a: 'SUCCESS epoch 1 reused', e: 'SUCCESS epoch 1 reused' });
      expect(begun).toEqual(to === 'first' ? ['b#1', 'c#1'] : []);
      await expectProved(engine, id);
    },
  );
});
