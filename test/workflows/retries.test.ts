import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { RetryLater } from '../../graph/errors.ts';
import { defineJobKind } from '../../jobs/define-job-kind.ts';
import { useEngine } from '../support/engine.ts';
import { until } from '../support/until.ts';

/** Asks to be tried again after so long, once. */
const later = defineJobKind({
  kind: 'later',
  config: z.strictObject({ ms: z.number() }),
  output: z.object({ attempt: z.number() }),
  writesWarehouse: false,
  inputs: () => [],
  outputs: () => [],
  run: async (ctx, { ms }) => {
    if (ctx.attempt === 1) throw new RetryLater('too busy', { retryAfterMs: ms });
    return { attempt: ctx.attempt };
  },
});

class QuotaError extends Error {}

const errors = {
  class: () => new QuotaError('over the quota'),
  system: () => Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }),
  other: () => new Error('something else'),
};

const thrower = defineJobKind({
  kind: 'thrower',
  config: z.strictObject({ error: z.enum(['class', 'system', 'other']) }),
  output: z.null(),
  writesWarehouse: false,
  inputs: () => [],
  outputs: () => [],
  run: async (_ctx, { error }) => Promise.reject(errors[error]()),
});

const engine = await useEngine([later, thrower]);
const { store } = engine;

async function onlyJobOf(graphRunId: string) {
  const [job] = (await store.graphRuns.get(graphRunId)).jobRuns;
  if (!job) throw new Error('the run has no job');
  return job;
}

describe('an error that says when to try again', () => {
  it('has the next attempt begin then, in place of after the back-off of the job', async () => {
    const retry = { initialInterval: '1h', maximumInterval: '1h' };
    await engine.push({ project: 'soon', jobs: { a: { kind: 'later', config: { ms: 20 }, retry } } });
    const run = await engine.run('soon');
    expect(run).toMatchObject({ state: 'SUCCESS', jobRuns: [{ attempts: 2 }] });
    const [first, second] = await store.jobRuns.attempts(run.jobRuns[0]?.id ?? '');
    expect(first?.error).toMatchObject({
      type: 'RetryLater',
      message: 'too busy',
      retryAt: expect.any(String),
    });
    expect(Date.parse(second?.startedAt ?? '')).toBeGreaterThanOrEqual(
      Date.parse(first?.error?.retryAt ?? '') - 5,
    );
    expect(await engine.verify(run.id)).toMatchObject({ verdict: 'equal' });
  });

  it('waits an hour at most, and shows on the job, its attempt and in explain when it goes on', async () => {
    await engine.push({ project: 'capped', jobs: { a: { kind: 'later', config: { ms: 7_200_000 } } } });
    const { id, handle } = await engine.start('capped');
    const { error } = await until(async () => {
      const job = await onlyJobOf(id);
      return job.reason === 'retry' ? job : undefined;
    }, 'the job waits');
    expect(error?.message).toBe(
      'too busy (asked to wait 7200 s before the next attempt; at most 3600 s are waited)',
    );
    const dueAt = Date.parse(error?.retryAt ?? '');
    expect(Math.abs(dueAt - Date.now() - 3_600_000)).toBeLessThan(60_000);
    const explained = await until(async () => {
      const [job] = (await engine.inspector.explainGraphRun(id)).jobs;
      return job?.reason === 'retry' && job.nextAttemptAt !== null ? job : undefined;
    }, 'Temporal has the next attempt scheduled');
    expect(Math.abs(Date.parse(explained.nextAttemptAt ?? '') - dueAt)).toBeLessThan(5_000);
    expect(await engine.verify(id)).toMatchObject({ verdict: 'equal' });
    await handle.cancel();
    expect(await engine.ended(id)).toMatchObject({ state: 'FAILED', reason: 'cancelled' });
  });
});

describe('errors that a job names as not to be tried again', () => {
  it('end it at its first attempt, by their type or by their code; others do not', async () => {
    const retry = {
      maximumAttempts: 2,
      initialInterval: '10ms',
      nonRetryableErrors: ['QuotaError', 'ECONNREFUSED'],
    };
    const throwing = (error: string) => ({ kind: 'thrower', config: { error }, retry });
    await engine.push({
      project: 'named',
      jobs: { by_class: throwing('class'), by_code: throwing('system'), other: throwing('other') },
    });
    const run = await engine.run('named');
    const tried = run.jobRuns.map(({ job, reason, attempts }) => [job, reason, attempts]);
    expect(Object.fromEntries(tried.map(([job, ...rest]) => [job, rest]))).toEqual({
      by_class: ['error', 1],
      by_code: ['error', 1],
      other: ['error', 2],
    });
    expect(await engine.verify(run.id)).toMatchObject({ verdict: 'equal' });
  });
});
