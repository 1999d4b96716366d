// Jobs that were run alone and have failed: they go on as the same job run. The watch starts what nobody else does.
import { describe, expect, it } from 'vitest';
import { once, useResumes } from '../support/resumes.ts';
import { until } from '../support/until.ts';

const { engine, begun, broken } = await useResumes();
const { store, inspector } = engine;
const actor = 'test';

await engine.push({
  project: 'alone',
  jobs: { a: { kind: 'breakable', retry: once }, endless: { kind: 'endless' }, good: { kind: 'noop' } },
});

async function failed(): Promise<string> {
  broken.add('a');
  const { id } = await engine.startLone('alone', 'a');
  expect(await engine.endedJob(id)).toMatchObject({ state: 'FAILED', reason: 'error', attempts: 1 });
  return id;
}

async function expectEqual(id: string): Promise<void> {
  await until(async () => {
    const found = await inspector.verifyJobRun(id);
    expect(found).toMatchObject({ verdict: 'equal', differences: [] });
    return found.explained.length === 0 ? true : undefined;
  }, 'it is proved');
}

describe('a job that was run alone, resumed,', () => {
  it('goes on at its next epoch, as often as it fails, and keeps its attempts together', async () => {
    const id = await failed();
    expect(await store.resumes.resumeJobRun({ id, actor })).toMatchObject({
      ...{ id, state: 'PENDING', reason: 'queued', epoch: 2, error: null, workflowId: `job-run/${id}/2` },
    });
    expect(await engine.endedJob(id)).toMatchObject({ state: 'FAILED', epoch: 2, attempts: 2 });
    broken.clear();
    await store.resumes.resumeJobRun({ id, actor });
    const run = await engine.endedJob(id);
    expect(run).toMatchObject({ state: 'SUCCESS', epoch: 3, attempts: 3, output: { text: '' } });
    expect(run.tasks.map(({ workflowId }) => workflowId)).toEqual(
      [1, 2, 3].map((epoch) => `job-run/${id}/${epoch}`),
    );
    const attempts = await store.jobRuns.attempts(id);
    expect(attempts.map(({ number, epoch, state }) => [number, epoch, state])).toEqual([
      [1, 1, 'FAILED'],
      [2, 2, 'FAILED'],
      [3, 3, 'SUCCESS'],
    ]);
    expect(begun).toHaveLength(3);
    await expectEqual(id);
  });

  it('asked for by many at once goes on once', async () => {
    const id = await failed();
    broken.clear();
    const answers = await Promise.allSettled([1, 2, 3].map(() => store.resumes.resumeJobRun({ id, actor })));
    const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason.code] : []));
    expect(refused).toEqual(['RUN_IS_OPEN', 'RUN_IS_OPEN']);
    expect(await engine.endedJob(id)).toMatchObject({ state: 'SUCCESS', epoch: 2, attempts: 2 });
    await expectEqual(id);
  });

  it('goes on where it was started outside, or was cancelled', async () => {
    broken.add('a');
    const handle = await engine.startOutside('jobRun', { project: 'alone', job: 'a' });
    await handle.result().catch(() => {});
    broken.clear();
    const { items } = await store.jobRuns.listOfJob('alone', 'a', { limit: 1 });
    const outside = items[0]?.id ?? '';
    await store.resumes.resumeJobRun({ id: outside, actor });
    const cancelled = await engine.startLone('alone', 'a');
    await engine.endedJob(cancelled.id);
    const { id } = await engine.startLone('alone', 'endless');
    await until(
      async () => ((await store.jobRuns.get(id)).state === 'RUNNING' ? true : undefined),
      'it works',
    );
    await expect(store.resumes.resumeJobRun({ id, actor })).rejects.toMatchObject({ code: 'RUN_IS_OPEN' });
    await store.cancels.jobRun({ id, note: null, actor });
    expect(await engine.endedJob(id)).toMatchObject({ reason: 'cancelled', cancelRequest: { by: actor } });
    expect(await store.resumes.resumeJobRun({ id, actor })).toMatchObject({ epoch: 2, cancelRequest: null });
    await until(
      async () => ((await store.jobRuns.get(id)).state === 'RUNNING' ? true : undefined),
      'it works again',
    );
    await store.cancels.jobRun({ id, note: null, actor });
    expect(await engine.endedJob(id)).toMatchObject({ reason: 'cancelled', epoch: 2 });
    await expectEqual(id);
    expect(await engine.endedJob(outside)).toMatchObject({ state: 'SUCCESS', epoch: 2, attempts: 2 });
    await expectEqual(outside);
  });
});
