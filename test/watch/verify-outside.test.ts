// Ends from outside that come between a write of ours and Temporal's hearing of it: rows and history then differ for good,
// and verify says why that is right.
import type { WorkflowHandle } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import type { GraphDefinition } from '../../graph/definition.ts';
import type { Store } from '../../store/store.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { until } from '../support/until.ts';
import { useWatch } from '../support/watch.ts';

/** What is done right after the next write of a sort has been committed, before the workflow hears of it. */
const after: Partial<Record<'close' | 'end' | 'settle' | 'publish', () => Promise<void>>> = {};

async function once(name: keyof typeof after): Promise<void> {
  const work = after[name];
  delete after[name];
  await work?.();
}

const interrupted = (store: Store): Store => ({
  ...store,
  execution: {
    ...store.execution,
    closeGraphRun: async (...given) => {
      const end = await store.execution.closeGraphRun(...given);
      await once('close');
      return end;
    },
    settle: async (...given) => {
      const ends = await store.execution.settle(...given);
      await once('settle');
      return ends;
    },
  },
  recorder: {
    ...store.recorder,
    end: async (outcome) => {
      // Before an attempt records its end it has published.
      await once('publish');
      const answer = await store.recorder.end(outcome);
      await once('end');
      return answer;
    },
  },
});

const { kinds } = createTestKinds();
const engine = await useEngine(kinds, interrupted);
const { store } = engine;
useWatch(engine);

/** Runs the jobs, and terminates the workflow right after a write; the run once it has ended. */
async function terminateAfter(
  write: keyof typeof after,
  project: string,
  jobs: GraphDefinition['jobs'],
  meanwhile: (id: string) => Promise<void> = async () => {},
) {
  await engine.push({ project, jobs });
  const written = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  after[write] = async () => {
    written.resolve();
    await goOn.promise;
  };
  const { id, handle } = await engine.start(project);
  await written.promise;
  await meanwhile(id);
  await handle.terminate();
  await engine.ended(id);
  const run = await until(async () => {
    const found = await store.graphRuns.get(id);
    return found.tasks.every(({ closedAt }) => closedAt !== null) ? found : undefined;
  }, 'its Task is closed');
  goOn.resolve();
  return run;
}

const failing = { kind: 'flaky', config: { failures: 1 }, retry: { maximumAttempts: 1 } };

describe('a run that is terminated', () => {
  it('after it was closed keeps the end that the closing wrote', async () => {
    const run = await terminateAfter('close', 'closed', { a: { kind: 'noop' } }, async (id) => {
      expect(await engine.verify(id)).toMatchObject({
        verdict: 'equal',
        explained: [{ job: null, fact: 'state', row: 'SUCCESS', history: 'open' }],
      });
    });
    expect(run).toMatchObject({ state: 'SUCCESS', reason: null });
    expect(await engine.verify(run.id)).toMatchObject({
      verdict: 'equal',
      explained: [
        {
          ...{ job: null, fact: 'state', row: 'SUCCESS', history: 'FAILED' },
          why: 'the run had been closed when its execution was ended from outside',
        },
      ],
    });
  });

  it('after a job had recorded its SUCCESS keeps that', async () => {
    const jobs = { a: { kind: 'noop' }, b: { kind: 'noop', dependsOn: ['a'] } };
    const run = await terminateAfter('end', 'recorded', jobs, async (id) => {
      expect(await engine.verify(id)).toMatchObject({
        verdict: 'equal',
        explained: [{ job: 'a', fact: 'state', row: 'SUCCESS', history: 'open' }],
      });
    });
    expect(run.jobRuns.map(({ state, reason }) => [state, reason])).toEqual([
      ['SUCCESS', null],
      ['FAILED', 'terminated'],
    ]);
    expect(await engine.verify(run.id)).toMatchObject({
      verdict: 'equal',
      explained: [
        { job: 'a', fact: 'state', row: 'SUCCESS', why: expect.stringContaining('had recorded it') },
      ],
    });
  });

  it('after a job had published its result, which it could not record, takes that for its success', async () => {
    const jobs = { staged: { kind: 'stager', config: { value: 1, chars: 3 } } };
    const run = await terminateAfter('publish', 'published', jobs);
    expect(run).toMatchObject({ state: 'FAILED', reason: 'terminated', jobRuns: [{ state: 'SUCCESS' }] });
    expect(await engine.verify(run.id)).toMatchObject({
      verdict: 'equal',
      explained: [
        {
          job: 'staged',
          fact: 'state',
          row: 'SUCCESS',
          why: expect.stringContaining('published its result'),
        },
      ],
    });
  });

  it('after a job had recorded its failure keeps that', async () => {
    const run = await terminateAfter('end', 'recorded-failure', { a: failing });
    expect(run.jobRuns).toMatchObject([{ state: 'FAILED', reason: 'error' }]);
    expect(await engine.verify(run.id)).toMatchObject({
      verdict: 'equal',
      explained: [{ job: 'a', fact: 'reason', row: 'error', history: 'terminated' }],
    });
  });

  it('after jobs that never ran had been settled keeps that', async () => {
    // The last job is open still, so that the others are settled before the run is closed.
    const jobs = {
      a: failing,
      below: { kind: 'noop', dependsOn: ['a'] },
      other: { kind: 'endless' },
    };
    const run = await terminateAfter('settle', 'settled', jobs, async (id) => {
      expect(await engine.verify(id)).toMatchObject({
        verdict: 'equal',
        explained: [{ job: 'below', fact: 'state', row: 'FAILED', history: 'open' }],
      });
    });
    expect(await engine.verify(run.id)).toMatchObject({
      verdict: 'equal',
      explained: [{ job: 'below', fact: 'reason', row: 'upstream_failed', history: 'terminated' }],
    });
  });

  it('after a cancel had closed it keeps the cancel', async () => {
    await engine.push({
      project: 'cancelled',
      jobs: { endless: { kind: 'endless' }, below: { kind: 'noop', dependsOn: ['endless'] } },
    });
    const { id, handle } = await engine.start('cancelled');
    await until(
      async () => ((await store.graphRuns.get(id)).jobRuns[0]?.state === 'RUNNING' ? true : undefined),
      'it works',
    );
    const closed = Promise.withResolvers<void>();
    after.close = async () => {
      await handle.terminate();
      closed.resolve();
    };
    await handle.cancel();
    await closed.promise;
    expect(await store.graphRuns.get(id)).toMatchObject({ state: 'FAILED', reason: 'cancelled' });
    const { verdict, explained } = await engine.verify(id);
    expect([verdict, explained.map(({ job, row }) => [job, row])]).toEqual([
      'equal',
      [
        [null, 'cancelled'],
        ['below', 'cancelled'],
      ],
    ]);
  });
});

describe('a run that is cancelled', () => {
  it.each([
    { how: 'succeeded', jobs: { a: { kind: 'noop' } }, end: { state: 'SUCCESS', reason: null } },
    { how: 'failed', jobs: { a: failing }, end: { state: 'FAILED', reason: 'job_failed' } },
  ])('after it was closed has $how, in Temporal as well', async ({ how, jobs, end }) => {
    const project = `closed-${how}`;
    await engine.push({ project, jobs });
    const workflow = Promise.withResolvers<WorkflowHandle>();
    // Temporal does not take the end of a workflow that it has something new for: the last step is asked for once more.
    after.close = async () => void (await (await workflow.promise).cancel());
    const { id, handle } = await engine.start(project);
    workflow.resolve(handle);
    await handle.result().catch(() => {});
    expect((await handle.describe()).status.name).toBe(end.state === 'SUCCESS' ? 'COMPLETED' : 'FAILED');
    expect(await store.graphRuns.get(id)).toMatchObject(end);
    expect(await engine.verify(id)).toMatchObject({ verdict: 'equal' });
  });
});
