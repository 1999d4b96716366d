// Failed jobs that somebody has done by hand: what the resume of their run makes of it.
import { describe, expect, it } from 'vitest';
import type { GraphRunDetail } from '../../graph/resources.ts';
import { jobRunIdOf } from '../../store/index.ts';
import { resetPoints, resetWorkflow } from '../support/reset.ts';
import { once, statesOf, useResumes, whole } from '../support/resumes.ts';
import { until } from '../support/until.ts';

const { engine, begun, broken, pushChain, resume, failIn } = await useResumes();
const { store } = engine;

const actor = 'key:somebody';
const mark = (id: string, job: string, output?: unknown) =>
  store.marks.mark({ id: jobRunIdOf(id, job), note: 'did it in psql', output, actor });

async function expectExplained({ id }: GraphRunDetail, ...jobs: string[]): Promise<void> {
  const found = await until(async () => {
    const verification = await engine.verify(id);
    return verification.explained.length === jobs.length ? verification : undefined;
  }, `${jobs.join()} is all that is explained`);
  expect(found).toMatchObject({ verdict: 'equal', differences: [] });
  expect(found.explained.map(({ job }) => job)).toEqual(jobs);
  expect(found.explained.map(({ why }) => why)).toEqual(jobs.map(() => expect.stringContaining('by hand')));
}

const reader = { r: { kind: 'reader', config: { of: 'b' }, dependsOn: ['b'] } };

describe('a failed job that is marked as done', () => {
  it('is kept by the next resume, and gives its output to the jobs below', async () => {
    await pushChain('marked', reader);
    const id = await failIn('marked', 'b');
    const marked = await mark(id, 'b', { text: 'by hand' });
    expect(marked).toMatchObject({
      state: 'FAILED',
      reason: 'error',
      mark: { by: actor, note: 'did it in psql' },
    });
    expect(await engine.verify(id)).toMatchObject({ verdict: 'equal', explained: [] });
    const { jobs } = await store.resumes.plan(id, whole);
    const planned = Object.fromEntries(
      jobs.map(({ job, reasons }) => [job, reasons.map(({ reason }) => reason).join()]),
    );
    expect(planned).toEqual({
      ...{ a: 'succeeded', b: 'marked', e: 'succeeded', c: 'unreached' },
      ...{ d: 'unreached,downstream', r: 'unreached' },
    });
    const run = await resume(id);
    expect(run).toMatchObject({ state: 'SUCCESS', epoch: 2 });
    expect(statesOf(run)).toMatchObject({
      a: 'SUCCESS epoch 1 reused',
      b: 'SUCCESS marked epoch 2',
      c: 'SUCCESS epoch 2',
    });
    expect(begun.toSorted()).toEqual(['c#1']);
    const b = await store.jobRuns.get(jobRunIdOf(id, 'b'));
    expect(b).toMatchObject({ output: { text: 'by hand' }, error: null, attempts: 1, mark: { by: actor } });
    expect(await store.jobRuns.attempts(b.id)).toMatchObject([
      { state: 'FAILED', reason: 'error', epoch: 1 },
    ]);
    expect(await store.jobRuns.get(jobRunIdOf(id, 'r'))).toMatchObject({
      output: { read: { text: 'by hand' } },
    });
    await expectExplained(run, 'b');
    const again = await resume(id, { from: ['c'] });
    expect(statesOf(again).b).toBe('SUCCESS marked epoch 2 reused');
    await expectExplained(again, 'b');
  });

  it('lets its run succeed where there is nothing below it', async () => {
    await pushChain('last', { z: { kind: 'breakable', retry: once } });
    const id = await failIn('last', 'z');
    await expect(store.resumes.resume(id, { ...whole, from: ['z'], plan: 'none' })).rejects.toThrow(
      'has changed',
    );
    await mark(id, 'z');
    const run = await resume(id);
    expect([run.state, begun]).toEqual(['SUCCESS', []]);
    expect(await store.jobRuns.get(jobRunIdOf(id, 'z'))).toMatchObject({
      state: 'SUCCESS',
      reason: 'marked',
      output: null,
    });
    await expectExplained(run, 'z');
  });

  it('runs again where somebody chooses it, and its mark counts no more', async () => {
    await pushChain('chosen');
    const id = await failIn('chosen', 'b');
    await mark(id, 'b');
    const run = await resume(id, { from: ['b'] });
    expect(run.state).toBe('SUCCESS');
    expect(begun).toContain('b#1');
    expect(await store.jobRuns.get(jobRunIdOf(id, 'b'))).toMatchObject({ reason: null, mark: null });
    await expectExplained(run);
  });

  it('is not run by a reset of the workflow that has kept it', async () => {
    await pushChain('reset');
    const id = await failIn('reset', 'b');
    await mark(id, 'b');
    const { workflowId } = await resume(id);
    begun.length = 0;
    const handle = engine.client.workflow.getHandle(workflowId);
    await resetWorkflow(handle, (await resetPoints(handle))[0] ?? 0);
    await until(
      async () => ((await store.graphRuns.get(id)).epoch === 3 ? true : undefined),
      'it is taken over',
    );
    const run = await engine.ended(id);
    expect([run.state, statesOf(run).b]).toEqual(['SUCCESS', 'SUCCESS marked epoch 2 reused']);
    expect(begun).not.toContain('b#1');
    await expectExplained(run, 'b');
  });

  it('is refused while its run is open, where it has not failed, and where it was run alone', async () => {
    await pushChain('refused');
    const id = await failIn('refused', 'b');
    await expect(mark(id, 'a')).rejects.toMatchObject({ code: 'JOB_NOT_FAILED' });
    await expect(mark(id, 'b', 'x'.repeat(256 * 1024))).rejects.toMatchObject({ code: 'OUTPUT_TOO_LARGE' });
    const open = await store.graphRuns.create({ project: 'refused', params: {}, select: null, actor });
    await expect(mark(open.id, 'b')).rejects.toMatchObject({ code: 'RUN_IS_OPEN' });
    await store.cancels.graphRun({ id: open.id, note: null, actor });
    const alone = await store.jobRuns.create({ project: 'refused', job: 'a', actor });
    const asked = { id: alone.id, note: 'x', output: undefined, actor };
    await expect(store.marks.mark(asked)).rejects.toMatchObject({ code: 'JOB_RUN_ALONE' });
    await expect(store.marks.mark({ ...asked, id: 'none' })).rejects.toMatchObject({
      code: 'JOB_RUN_UNKNOWN',
    });
    expect(broken.size).toBe(0);
  });
});
