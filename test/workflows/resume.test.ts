import { describe, expect, it } from 'vitest';
import { expectProved } from '../support/expect-proved.ts';
import { resetPoints, resetWorkflow } from '../support/reset.ts';
import { statesOf, useResumes, whole } from '../support/resumes.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';

const { engine, begun, broken, resume, failIn, pushChain } = await useResumes();
const { store } = engine;
const sql = await useSql(engine.databaseUrl);

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

  it('of a run that was cancelled once all its jobs had succeeded runs none, and it succeeds', async () => {
    await pushChain('late');
    const { id } = await engine.run('late');
    // As a cancel leaves it that comes between the end of the last job and the end of the run.
    await sql.query(`UPDATE graph_run SET state = 'FAILED', reason = 'cancelled' WHERE id = $1`, [id]);
    begun.length = 0;
    const run = await resume(id);
    expect(run).toMatchObject({ state: 'SUCCESS', reason: null, epoch: 2 });
    expect(begun).toEqual([]);
    expect(run.jobRuns.map(({ reused }) => reused)).toEqual(run.jobRuns.map(() => true));
    await expectProved(engine, id);
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

  it('goes on after a reset that failed again, with what the reset has come to', async () => {
    await pushChain('reset-again');
    broken.add('c');
    const { id, handle } = await engine.start('reset-again');
    await engine.ended(id);
    await resetWorkflow(handle, (await resetPoints(handle))[0] ?? 0);
    await until(
      async () => ((await store.graphRuns.get(id)).epoch === 2 ? true : undefined),
      'the reset is taken over',
    );
    expect(await engine.ended(id)).toMatchObject({ state: 'FAILED', reason: 'job_failed', epoch: 2 });
    broken.delete('c');
    begun.length = 0;
    const run = await resume(id);
    expect(run).toMatchObject({ state: 'SUCCESS', epoch: 3 });
    expect(begun).toEqual(['c#1']);
    expect(statesOf(run)).toMatchObject({ b: 'SUCCESS epoch 2 reused', c: 'SUCCESS epoch 3' });
    await expectProved(engine, id);
  });

  it('that Temporal resets to the workflow from before it is cancelled there', async () => {
    await engine.push({ project: 'before', jobs: { slow: { kind: 'endless' } } });
    const { id, handle } = await engine.start('before');
    const untilSlow = (times: number) =>
      until(() => begun.length === times || undefined, `slow has begun ${times} times`);
    const cancel = () => store.cancels.graphRun({ id, note: null, actor: 'test' });
    await untilSlow(1);
    await cancel();
    await engine.ended(id);
    const resumed = resume(id);
    await untilSlow(2);
    await cancel();
    expect(await resumed).toMatchObject({ reason: 'cancelled', epoch: 2 });
    await resetWorkflow(handle, (await resetPoints(handle))[0] ?? 0);
    await untilSlow(3);
    await cancel();
    expect(await engine.ended(id)).toMatchObject({ state: 'FAILED', reason: 'cancelled', epoch: 3 });
  });
});
