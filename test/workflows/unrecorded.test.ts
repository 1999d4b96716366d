// Ends that no attempt could record: the workflow settles them, and what was published or given from outside counts.
import { AsyncCompletionClient } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../graph/errors.ts';
import type { AttemptOutcome, Recorder } from '../../store/recorder.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { until } from '../support/until.ts';

/** What becomes of an attempt's end, by job key: it never arrives, or Postgres was away for too long. */
const ends = new Map<string, 'hangs' | 'away'>();
const endsAsked = new Set<string>();

/** Lets ends that hang go on, so that the worker can stop. */
const letGo: (() => void)[] = [];

const { kinds, begun } = createTestKinds();
const engine = await useEngine(kinds, (store) => ({
  ...store,
  recorder: new Proxy(store.recorder, {
    get: (recorder, name: keyof Recorder) => {
      if (name !== 'end') return recorder[name];
      return async (outcome: AttemptOutcome) => {
        const { job } = await store.jobRuns.get(outcome.subject.jobRunId);
        endsAsked.add(job);
        if (ends.get(job) === 'hangs') await new Promise<void>((resolve) => letGo.push(resolve));
        if (ends.get(job) === 'away') throw new CodedError('STORE_UNAVAILABLE', 'the database is away');
        return recorder.end(outcome);
      };
    },
  }),
}));
const { store } = engine;
const outside = new AsyncCompletionClient({ connection: engine.client.connection });

const once = { retry: { maximumAttempts: 1 } };

async function jobRunOf(graphRunId: string) {
  const run = await engine.ended(graphRunId);
  return store.jobRuns.get(run.jobRuns[0]?.id ?? '');
}

describe('a success that Postgres was away for', () => {
  it('goes to Temporal unrecorded, and is settled with its output', async () => {
    await engine.push({ project: 'away', jobs: { away: { kind: 'noop', ...once } } });
    ends.set('away', 'away');
    const { id, handle } = await engine.start('away');
    await handle.result();
    expect(await jobRunOf(id)).toMatchObject({ state: 'SUCCESS', output: { job: 'away' } });
    expect(await engine.verify(id)).toMatchObject({ verdict: 'equal' });
  });

  it('is tried again where its output does not travel through Temporal', async () => {
    const retry = { maximumAttempts: 2, initialInterval: '10ms' };
    await engine.push({
      project: 'far',
      jobs: { far: { kind: 'output', config: { chars: 10_000 }, retry } },
    });
    ends.set('far', 'away');
    const { id } = await engine.start('far');
    await until(async () => ((await jobOpen(id)) === 2 ? true : undefined), 'its second attempt begins');
    ends.delete('far');
    expect(await jobRunOf(id)).toMatchObject({ state: expect.stringMatching(/SUCCESS|FAILED/) });
  });

  async function jobOpen(id: string): Promise<number> {
    return (await store.graphRuns.get(id)).jobRuns[0]?.attempts ?? 0;
  }
});

describe('an activity that is ended from outside', () => {
  async function startOne(job: string, kind: string, config: Record<string, unknown> = {}) {
    await engine.push({ project: job.replaceAll('_', '-'), jobs: { [job]: { kind, config, ...once } } });
    const { id, handle } = await engine.start(job.replaceAll('_', '-'));
    const activity = { workflowId: handle.workflowId, activityId: job };
    return { id, handle, activity };
  }
  const works = (job: string) =>
    until(() => (begun.includes(`${job}#1`) ? true : undefined), `the job ${job} works`);

  it('as completed succeeds with the output that was given', async () => {
    const { id, handle, activity } = await startOne('given', 'endless');
    await works('given');
    await outside.complete(activity, { rows: 7 });
    await handle.result();
    expect(await jobRunOf(id)).toMatchObject({ state: 'SUCCESS', output: { rows: 7 } });
    expect(await engine.verify(id)).toMatchObject({ verdict: 'equal' });
  });

  it('as completed with more than can be kept fails, and says so', async () => {
    const { id, activity } = await startOne('too_much', 'endless');
    await works('too_much');
    await outside.complete(activity, 'x'.repeat(300_000));
    expect(await jobRunOf(id)).toMatchObject({
      state: 'FAILED',
      reason: 'error',
      error: { code: 'OUTPUT_TOO_LARGE' },
    });
    expect(await engine.verify(id)).toMatchObject({ verdict: 'equal' });
  });

  it('as failed fails for good', async () => {
    const { id, activity } = await startOne('failed', 'endless');
    await works('failed');
    await outside.fail(activity, new Error('stopped by Ann'));
    expect(await jobRunOf(id)).toMatchObject({
      state: 'FAILED',
      reason: 'error',
      error: { message: 'stopped by Ann' },
    });
  });

  it('as failed has succeeded all the same when it had published', async () => {
    ends.set('published', 'hangs');
    const { id, handle, activity } = await startOne('published', 'stager', { value: 5, chars: 3 });
    await until(() => (endsAsked.has('published') ? true : undefined), 'it is about to tell');
    await outside.fail(activity, new Error('it seems to hang'));
    await handle.result();
    for (const go of letGo) go();
    expect(await jobRunOf(id)).toMatchObject({ state: 'SUCCESS', error: null, output: 'xxx' });
    expect(await engine.verify(id)).toMatchObject({ verdict: 'equal' });
    expect((await engine.warehouse.previewDataset('published', 'staged', 5)).rows).toEqual([[5]]);
  });
});
