// Jobs whose back-off is cut short: nobody tells Temporal but the watch.
import { afterAll, describe, expect, it } from 'vitest';
import type { JobRunDetail } from '../../graph/resources.ts';
import { jobRunIdOf } from '../../store/index.ts';
import { createStarter } from '../../watch/starter.ts';
import { useEngine } from '../support/engine.ts';
import { expectProved } from '../support/expect-proved.ts';
import { createTestKinds } from '../support/kinds.ts';
import { until } from '../support/until.ts';
import { useWatch } from '../support/watch.ts';

const { kinds, begun } = createTestKinds();
const engine = await useEngine(kinds);
const { store } = engine;
useWatch(engine);
const starter = createStarter({ temporal: { address: engine.temporalAddress, namespace: 'default' } });
afterAll(() => starter.close());

const flaky = (failures: number, maximumAttempts: number) => ({
  kind: 'flaky',
  config: { failures },
  retry: { maximumAttempts, initialInterval: '1h', maximumInterval: '1h' },
});
const ask = (id: string) => store.retries.ask({ id, note: 'it is mended', actor: 'key:somebody' });

function untilWaits(id: string, attempts: number): Promise<JobRunDetail> {
  return until(
    async () => {
      const run = await store.jobRuns.get(id);
      return run.reason === 'retry' && run.attempts === attempts ? run : undefined;
    },
    `it waits for attempt ${attempts + 1}`,
  );
}

describe('a job that waits for its next attempt, retried now,', () => {
  it('begins it at once, and counts its attempts on', async () => {
    begun.length = 0;
    await engine.push({ project: 'mended', jobs: { a: flaky(2, 4), b: { kind: 'noop', dependsOn: ['a'] } } });
    const { id } = await engine.start('mended');
    const jobRunId = jobRunIdOf(id, 'a');
    await untilWaits(jobRunId, 1);
    expect(await ask(jobRunId)).toMatchObject({ state: 'PENDING', reason: 'retry', attempts: 1 });
    await untilWaits(jobRunId, 2);
    expect(await store.retries.open(null, 9)).toEqual([]);
    expect(await engine.verify(id)).toMatchObject({ verdict: 'equal', explained: [] });
    await ask(jobRunId);
    expect(await engine.ended(id)).toMatchObject({ state: 'SUCCESS' });
    expect(begun).toEqual(['a#1', 'a#2', 'a#3', 'b#1']);
    expect(await store.jobRuns.attempts(jobRunId)).toHaveLength(3);
    await expectProved(engine, id);
  });

  it('has no attempt more than its definition says', async () => {
    await engine.push({ project: 'limited', jobs: { a: flaky(9, 2) } });
    const { id } = await engine.start('limited');
    await untilWaits(jobRunIdOf(id, 'a'), 1);
    await ask(jobRunIdOf(id, 'a'));
    expect((await engine.ended(id)).jobRuns[0]).toMatchObject({
      state: 'FAILED',
      reason: 'error',
      attempts: 2,
    });
    await expectProved(engine, id);
    await expect(ask(jobRunIdOf(id, 'a'))).rejects.toMatchObject({ code: 'JOB_NOT_WAITING' });
  });

  it('begins it also where it runs alone, and where whoever told Temporal before did not come to the end of it', async () => {
    await engine.push({ project: 'alone', jobs: { a: flaky(1, 2) } });
    const { id, handle } = await engine.startLone('alone', 'a');
    await untilWaits(id, 1);
    await engine.client.workflowService.pauseActivity({
      ...{ namespace: 'default', execution: { workflowId: handle.workflowId }, id: 'a' },
      ...{ identity: 'test', reason: 'graphrun: retry now' },
    });
    expect(await starter.findPause({ workflowId: handle.workflowId, runId: '', job: 'a' })).toBeNull();
    await ask(id);
    expect(await engine.endedJob(id)).toMatchObject({ state: 'SUCCESS', attempts: 2 });
    expect(await engine.inspector.verifyJobRun(id)).toMatchObject({ verdict: 'equal' });
  });

  it('is held by the pause of somebody else until that ends', async () => {
    await engine.push({ project: 'held', jobs: { a: flaky(1, 2) } });
    const { id, handle } = await engine.startLone('held', 'a');
    await untilWaits(id, 1);
    const { workflowId } = handle;
    const activity = { namespace: 'default', execution: { workflowId }, id: 'a', identity: 'me' };
    await engine.client.workflowService.pauseActivity({ ...activity, reason: 'the source is down' });
    const held = { workflowId, runId: '', job: 'a' };
    expect(await starter.findPause(held)).toMatchObject({ by: 'me', reason: 'the source is down' });
    await engine.client.workflowService.unpauseActivity(activity);
    expect(await engine.endedJob(id)).toMatchObject({ state: 'SUCCESS', attempts: 2 });
    expect(await starter.findPause(held)).toBeNull();
  });
});
