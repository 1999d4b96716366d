import { describe, expect, it } from 'vitest';
import type { GraphRunDetail } from '../../graph/resources.ts';
import type { Recorder } from '../../store/recorder.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { until } from '../support/until.ts';

let letGo = (): void => {};
const held = new Promise<void>((resolve) => {
  letGo = resolve;
});
const { kinds, stopped } = createTestKinds();
/** The end of the job `unheard` is recorded, and its worker does not hear of it for a while. */
const engine = await useEngine(kinds, (store) => ({
  ...store,
  recorder: {
    ...store.recorder,
    end: async (outcome: Parameters<Recorder['end']>[0]) => {
      const answer = await store.recorder.end(outcome);
      if (outcome.subject.job === 'unheard') await held;
      return answer;
    },
  },
}));
const { store } = engine;

/** Waits for the workflow's own end as well: until then what is closed is explained, and not yet proved. */
async function runWhole(project: string): Promise<GraphRunDetail> {
  const { id, handle } = await engine.start(project);
  await handle.result().catch(() => {});
  return engine.ended(id);
}

describe('a job with a total time', () => {
  const config = { failures: 99, message: 'no luck' };
  const retry = { maximumAttempts: 9, initialInterval: '1h', maximumInterval: '1h' };

  it('fails as timed out when its time is over in an attempt, which is told to stop', async () => {
    await engine.push({
      project: 'total',
      jobs: { a: { kind: 'endless', totalTimeout: '2s' }, below: { kind: 'noop', dependsOn: ['a'] } },
    });
    const run = await runWhole('total');
    expect(run).toMatchObject({ state: 'FAILED', reason: 'job_failed' });
    expect(run.jobRuns).toMatchObject([
      {
        ...{ state: 'FAILED', reason: 'timed_out', attempts: 1 },
        error: { code: 'JOB_TIMED_OUT', message: 'Job "a" was not done within its totalTimeout of 2s.' },
      },
      { state: 'FAILED', reason: 'upstream_failed' },
    ]);
    expect(await store.jobRuns.attempts(run.jobRuns[0]?.id ?? '')).toMatchObject([
      { state: 'FAILED', reason: 'timed_out' },
    ]);
    await until(() => (stopped.includes('a') ? true : undefined), 'the code is told to stop');
    expect(await engine.verify(run.id)).toMatchObject({ verdict: 'equal', explained: [] });
  });

  it('fails as timed out when its next attempt would come too late, with its last error', async () => {
    await engine.push({
      project: 'too-late',
      jobs: { a: { kind: 'flaky', config, totalTimeout: '10m', retry } },
    });
    const run = await runWhole('too-late');
    expect(run.jobRuns).toMatchObject([
      {
        ...{ state: 'FAILED', reason: 'timed_out', attempts: 1 },
        error: {
          code: 'JOB_TIMED_OUT',
          message: expect.stringMatching(/10m\. Its last error: no luck$/),
        },
      },
    ]);
    expect(await store.jobRuns.attempts(run.jobRuns[0]?.id ?? '')).toMatchObject([
      { state: 'FAILED', reason: 'error', error: { message: 'no luck' } },
    ]);
    expect(await engine.verify(run.id)).toMatchObject({ verdict: 'equal', explained: [] });
  });

  it('has it over all attempts, alone as well', async () => {
    const often = { maximumAttempts: 1_000, initialInterval: '50ms', backoffCoefficient: 1 };
    await engine.push({
      project: 'lone',
      jobs: { a: { kind: 'flaky', config, totalTimeout: '1s', retry: often } },
    });
    const { id } = await engine.startLone('lone', 'a');
    const run = await engine.endedJob(id);
    expect(run).toMatchObject({ state: 'FAILED', reason: 'timed_out' });
    expect(run.attempts).toBeGreaterThan(1);
  });

  it('keeps a success that was recorded before Temporal heard of it', async () => {
    await engine.push({ project: 'won', jobs: { unheard: { kind: 'noop', totalTimeout: '2s' } } });
    const run = await engine.run('won');
    letGo();
    expect(run).toMatchObject({
      state: 'SUCCESS',
      jobRuns: [{ state: 'SUCCESS', reason: null, attempts: 1 }],
    });
    expect(await engine.verify(run.id)).toMatchObject({ verdict: 'equal' });
  });
});
