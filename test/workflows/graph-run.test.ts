import { WorkflowFailedError } from '@temporalio/client';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import type { GraphRunDetail } from '../../graph/resources.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { until } from '../support/until.ts';

const { kinds, begun, ended } = createTestKinds();
const engine = await useEngine(kinds);
const { store } = engine;

function statesOf(run: GraphRunDetail): Record<string, string> {
  return Object.fromEntries(
    run.jobRuns.map((job) => [job.job, job.reason ? `${job.state}/${job.reason}` : job.state]),
  );
}

function jobOf(run: GraphRunDetail, key: string) {
  const found = run.jobRuns.find((job) => job.job === key);
  if (!found) throw new Error(`no job ${key}`);
  return found;
}

describe('a graph run', () => {
  it('runs a diamond in order and records every job and attempt', async () => {
    await engine.push({
      project: 'diamond',
      jobs: {
        top: { kind: 'noop' },
        left: { kind: 'noop', dependsOn: ['top'] },
        right: { kind: 'noop', dependsOn: ['top'] },
        bottom: { kind: 'noop', dependsOn: ['left', 'right'] },
      },
    });
    const { id, handle } = await engine.start('diamond');
    expect(await handle.result()).toEqual({ graphRunId: id, state: 'SUCCESS' });
    const run = await store.graphRuns.get(id);
    expect(run).toMatchObject({ state: 'SUCCESS', reason: null, origin: 'api', epoch: 1, version: 1 });
    expect(run.jobRuns.map((job) => [job.job, job.state, job.attempts])).toEqual([
      ['top', 'SUCCESS', 1],
      ['left', 'SUCCESS', 1],
      ['right', 'SUCCESS', 1],
      ['bottom', 'SUCCESS', 1],
    ]);
    expect([begun[0], begun[3]]).toEqual(['top#1', 'bottom#1']);
    expect(run.tasks).toMatchObject([{ workflowId: run.workflowId, epoch: 1, closedAt: expect.any(String) }]);
    const detail = await store.jobRuns.get(jobOf(run, 'top').id);
    expect(detail).toMatchObject({ output: { job: 'top' }, outputBytes: 13 });
    expect(await store.jobRuns.attempts(detail.id)).toMatchObject([
      { number: 1, epoch: 1, state: 'SUCCESS', error: null, worker: expect.stringMatching(/^\d+@/) },
    ]);
  });

  it('goes on with independent branches when a job fails, and fails what is below it and its workflow', async () => {
    await engine.push({
      project: 'half',
      jobs: {
        bad: { kind: 'flaky', config: { failures: 9, message: 'no luck' }, retry: { maximumAttempts: 1 } },
        below: { kind: 'noop', dependsOn: ['bad'] },
        lower: { kind: 'noop', dependsOn: ['below'] },
        report: { kind: 'noop', dependsOn: ['lower'], runIf: 'all_done' },
        alarm: { kind: 'noop', dependsOn: ['bad'], runIf: 'any_failed' },
        unneeded: { kind: 'noop', dependsOn: ['good'], runIf: 'any_failed' },
        good: { kind: 'noop' },
      },
    });
    const { id, handle } = await engine.start('half');
    await expect(handle.result()).rejects.toThrow(WorkflowFailedError);
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'job_failed', message: 'failed jobs: bad, below, lower' },
    });
    const run = await store.graphRuns.get(id);
    expect(run).toMatchObject({ state: 'FAILED', reason: 'job_failed' });
    expect(statesOf(run)).toEqual({
      bad: 'FAILED/error',
      below: 'FAILED/upstream_failed',
      lower: 'FAILED/upstream_failed',
      report: 'SUCCESS',
      alarm: 'SUCCESS',
      good: 'SUCCESS',
      unneeded: 'SUCCESS/skipped',
    });
    expect(jobOf(run, 'bad').error).toMatchObject({
      type: 'Error',
      message: 'no luck',
      stack: expect.any(String),
    });
  });

  it('succeeds when only a job with allowFailure fails, and runs what is below it', async () => {
    await engine.push({
      project: 'lenient',
      jobs: {
        bad: { kind: 'flaky', config: { failures: 9 }, retry: { maximumAttempts: 1 }, allowFailure: true },
        below: { kind: 'noop', dependsOn: ['bad'] },
      },
    });
    const run = await engine.run('lenient');
    expect(run.state).toBe('SUCCESS');
    expect(statesOf(run)).toEqual({ bad: 'FAILED/error', below: 'SUCCESS' });
  });

  it('tries a job again as its retry says, and keeps every attempt with its error', async () => {
    await engine.push({
      project: 'again',
      jobs: {
        flaky: {
          kind: 'flaky',
          config: { failures: 2 },
          retry: { maximumAttempts: 3, initialInterval: '10ms' },
        },
      },
    });
    const run = await engine.run('again');
    expect(run.state).toBe('SUCCESS');
    expect(await store.jobRuns.attempts(jobOf(run, 'flaky').id)).toMatchObject([
      { number: 1, state: 'FAILED', reason: 'error', error: { message: 'try 1 failed' } },
      { number: 2, state: 'FAILED', reason: 'error', error: { message: 'try 2 failed' } },
      { number: 3, state: 'SUCCESS', reason: null, error: null },
    ]);
  });

  it('shows a job that waits for its next attempt as PENDING/retry, with the last error', async () => {
    await engine.push({
      project: 'backoff',
      jobs: {
        flaky: {
          kind: 'flaky',
          config: { failures: 1 },
          retry: { initialInterval: '1h', maximumInterval: '1h' },
        },
      },
    });
    const { id, handle } = await engine.start('backoff');
    const waiting = await until(async () => {
      const job = jobOf(await store.graphRuns.get(id), 'flaky');
      return job.reason === 'retry' ? job : undefined;
    }, 'the job waits for its retry');
    expect(waiting).toMatchObject({ state: 'PENDING', attempts: 1, error: { message: 'try 1 failed' } });
    await handle.cancel();
    expect(await engine.ended(id)).toMatchObject({ state: 'FAILED', reason: 'cancelled' });
  });

  it('has as many jobs in flight as the window allows, and never more', async () => {
    const jobs = Object.fromEntries(
      Array.from({ length: 120 }, (_, index) => [`j${index}`, { kind: 'noop' }]),
    );
    await engine.push({ project: 'wide', jobs });
    const { id, handle } = await engine.start('wide');
    await handle.result();
    expect((await store.graphRuns.get(id)).jobCounts).toMatchObject({ SUCCESS: 120 });
    let inFlight = 0;
    let most = 0;
    for (const event of (await handle.fetchHistory()).events ?? []) {
      if (event.activityTaskScheduledEventAttributes) inFlight += 1;
      if (event.activityTaskCompletedEventAttributes) inFlight -= 1;
      most = Math.max(most, inFlight);
    }
    expect(most).toBe(100);
  });

  it('starts what is ready with no barrier between levels', async () => {
    await engine.push({
      project: 'levels',
      jobs: {
        slow: { kind: 'endless' },
        after_slow: { kind: 'noop', dependsOn: ['slow'] },
        quick: { kind: 'noop' },
        after_quick: { kind: 'noop', dependsOn: ['quick'] },
      },
    });
    const { id, handle } = await engine.start('levels');
    await until(() => (ended.includes('after_quick') ? true : undefined), 'the job below the quick one ends');
    const run = await until(async () => {
      const seen = await store.graphRuns.get(id);
      return jobOf(seen, 'after_quick').state === 'SUCCESS' ? seen : undefined;
    }, 'its row says so');
    expect(statesOf(run)).toMatchObject({ slow: 'RUNNING', after_slow: 'PENDING/upstream' });
    await handle.cancel();
    const cancelled = await engine.ended(id);
    expect(cancelled).toMatchObject({ state: 'FAILED', reason: 'cancelled' });
    expect(statesOf(cancelled)).toMatchObject({
      slow: 'FAILED/cancelled',
      after_slow: 'FAILED/cancelled',
      quick: 'SUCCESS',
    });
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  });

  it('ends a job that takes longer than its timeout as FAILED/timed_out', async () => {
    await engine.push({
      project: 'late',
      jobs: { slow: { kind: 'endless', timeout: '50ms', retry: { maximumAttempts: 1 } } },
    });
    const run = await engine.run('late');
    expect(statesOf(run)).toEqual({ slow: 'FAILED/timed_out' });
    expect(jobOf(run, 'slow').error).toMatchObject({
      code: 'JOB_TIMED_OUT',
      message: expect.stringContaining('its timeout of 50ms'),
    });
  });

  it('runs the selected jobs alone, and records no others', async () => {
    await engine.push({
      project: 'chosen',
      jobs: {
        a: { kind: 'noop' },
        b: { kind: 'noop', dependsOn: ['a'] },
        c: { kind: 'noop', dependsOn: ['b'] },
      },
    });
    const run = await engine.run('chosen', ['a', 'c']);
    expect(run).toMatchObject({ state: 'SUCCESS', select: ['a', 'c'] });
    expect(statesOf(run)).toEqual({ a: 'SUCCESS', c: 'SUCCESS' });
  });

  it('hands recorded outputs to jobs below, and keeps large ones out of Temporal', async () => {
    await engine.push({
      project: 'outputs',
      jobs: {
        large: { kind: 'output', config: { chars: 10_000 } },
        small: { kind: 'noop' },
        reader: { kind: 'reader', config: { of: 'large' }, dependsOn: ['large', 'small'] },
      },
    });
    const { id, handle } = await engine.start('outputs');
    await handle.result();
    const run = await store.graphRuns.get(id);
    const reader = await store.jobRuns.get(jobOf(run, 'reader').id);
    expect(reader.output).toEqual({ read: 'x'.repeat(10_000), idempotencyKey: `${id}/reader/1` });
    const history = JSON.stringify(await handle.fetchHistory());
    expect(history).not.toContain(Buffer.from('x'.repeat(3_000)).toString('base64'));
  });

  it('fails a job whose output is over the limit at once, with its size and the limit', async () => {
    await engine.push({
      project: 'too_large'.replace('_', '-'),
      jobs: { big: { kind: 'output', config: { chars: 300_000 } } },
    });
    const run = await engine.run('too-large');
    expect(jobOf(run, 'big')).toMatchObject({
      state: 'FAILED',
      reason: 'error',
      attempts: 1,
      error: { code: 'OUTPUT_TOO_LARGE', data: { bytes: 300_002, limit: 262_144 } },
    });
  });

  it('numbers the events of a run in order, each transition once', async () => {
    const run = await engine.run('diamond');
    const client = new pg.Client({ connectionString: engine.databaseUrl });
    await client.connect();
    const found = await client.query(
      'SELECT type, job, state, number FROM event WHERE graph_run_id = $1 ORDER BY number',
      [run.id],
    );
    const all = await client.query('SELECT max(number)::int AS last, count(*)::int AS count FROM event');
    await client.end();
    expect(all.rows[0].last).toBe(all.rows[0].count);
    const ofRun = found.rows.filter((row) => row.type === 'graph_run').map((row) => row.state);
    expect(ofRun).toEqual(['PENDING', 'RUNNING', 'SUCCESS']);
    const ofTop = found.rows.filter((row) => row.job === 'top').map((row) => row.state);
    expect(ofTop).toEqual(['RUNNING', 'SUCCESS']);
  });
});

describe('bookkeeping', () => {
  it('moves to the system queue when Postgres does not answer in time, and the run ends all the same', async () => {
    await engine.push({
      project: 'blocked',
      jobs: { last: { kind: 'endless', retry: { maximumAttempts: 1 } } },
    });
    const { id, handle } = await engine.start('blocked');
    await until(() => (begun.includes('last#1') ? true : undefined), 'the job runs');
    const client = new pg.Client({ connectionString: engine.databaseUrl });
    await client.connect();
    await client.query('BEGIN');
    await client.query('SELECT FROM graph_run WHERE id = $1 FOR UPDATE', [id]);
    await handle.cancel();
    const scheduled = await until(async () => {
      const { events } = await handle.fetchHistory();
      return events?.find(
        (event) => event.activityTaskScheduledEventAttributes?.activityId === 'graphrun:close',
      );
    }, 'the close is scheduled as an activity');
    await client.query('ROLLBACK');
    await client.end();
    const queue = scheduled.activityTaskScheduledEventAttributes?.taskQueue?.name;
    expect(queue).toBe(`${engine.taskQueue}-system`);
    expect(await engine.ended(id)).toMatchObject({ state: 'FAILED', reason: 'cancelled' });
  });
});
