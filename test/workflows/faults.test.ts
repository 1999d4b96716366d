// A worker whose metadata database fails now and then: runs go on, and lose no attempt for it.
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CodedError } from '../../graph/errors.ts';
import { defineJobKind } from '../../jobs/define-job-kind.ts';
import type { Execution } from '../../store/execution.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { until } from '../support/until.ts';

/** Calls that fail once each, by name. */
const failOnce = new Set<keyof Execution>();

const { kinds, begun } = createTestKinds();
/** Fails as one does whose worker was ended by it. */
const harmful = defineJobKind({
  kind: 'harmful',
  config: z.strictObject({}),
  output: z.null(),
  writesWarehouse: false,
  inputs: () => [],
  outputs: () => [],
  run: (ctx) => {
    begun.push(`${ctx.job}#${ctx.attempt}`);
    return Promise.reject(Object.assign(new Error('the worker ends'), { name: 'WorkerExited' }));
  },
});
const engine = await useEngine([...kinds, harmful], (store) => ({
  ...store,
  execution: new Proxy(store.execution, {
    get: (target, name: keyof Execution) => {
      if (!failOnce.delete(name)) return target[name];
      return () => Promise.reject(new CodedError('STORE_UNAVAILABLE', 'the database is away, for once'));
    },
  }),
}));
const { store } = engine;

describe('bookkeeping that fails once', () => {
  it.each(['openGraphRun', 'closeGraphRun'] as const)(
    'as %s does is done on the system queue',
    async (call) => {
      await engine.push({ project: 'fails', jobs: { a: { kind: 'noop' } } });
      failOnce.add(call);
      const { id, handle } = await engine.start('fails');
      await handle.result();
      expect(failOnce.size).toBe(0);
      expect(await store.graphRuns.get(id)).toMatchObject({ state: 'SUCCESS', jobRuns: [{ attempts: 1 }] });
      expect(await engine.verify(id)).toMatchObject({ verdict: 'equal' });
    },
  );

  it.each(['openJobRun', 'closeJobRun'] as const)('as %s does is done on the system queue', async (call) => {
    await engine.push({ project: 'fails', jobs: { a: { kind: 'noop' } } });
    failOnce.add(call);
    const { id, handle } = await engine.startLone('fails', 'a');
    await handle.result();
    expect(failOnce.size).toBe(0);
    expect(await store.jobRuns.get(id)).toMatchObject({ state: 'SUCCESS', attempts: 1 });
  });
});

describe('an attempt', () => {
  it('that waits for Postgres longer than its heartbeat time-out is not lost', {
    timeout: 60_000,
  }, async () => {
    await engine.push({
      project: 'waits',
      jobs: { s: { kind: 'stager', config: { value: 1, chars: 1 }, retry: { maximumAttempts: 1 } } },
    });
    const run = await store.graphRuns.create({ project: 'waits', params: {}, select: null, actor: 'test' });
    const client = new pg.Client({ connectionString: engine.databaseUrl });
    await client.connect();
    await client.query('BEGIN');
    await client.query('SELECT FROM job_run WHERE graph_run_id = $1 FOR UPDATE', [run.id]);
    const lockedAt = Date.now();
    const args = [{ project: 'waits', graphRunId: run.id }];
    await engine.client.workflow.start('graphRun', {
      taskQueue: engine.taskQueue,
      workflowId: run.workflowId,
      args,
    });
    await until(() => (Date.now() - lockedAt > 12_000 ? true : undefined), 'the heartbeat time-out is over');
    await client.query('ROLLBACK');
    await client.end();
    const ended = await engine.ended(run.id);
    expect(ended.jobRuns).toMatchObject([{ state: 'SUCCESS', attempts: 1 }]);
  });

  it('whose output is refused leaves the old table', async () => {
    const push = (value: number, chars: number) =>
      engine.push({ project: 'refused', jobs: { s: { kind: 'stager', config: { value, chars } } } });
    await push(1, 1);
    await engine.run('refused');
    const before = await engine.warehouse.previewDataset('refused', 'staged', 10);
    await push(42, 300_000);
    const run = await engine.run('refused');
    expect(run.jobRuns).toMatchObject([{ state: 'FAILED', error: { code: 'OUTPUT_TOO_LARGE' } }]);
    expect(await engine.warehouse.previewDataset('refused', 'staged', 10)).toEqual(before);
  });

  it('whose error is enormous fails with what can be kept of it', async () => {
    await engine.push({
      project: 'enormous',
      jobs: {
        bad: { kind: 'flaky', config: { failures: 9, repeat: 500_000 }, retry: { maximumAttempts: 1 } },
      },
    });
    const run = await engine.run('enormous');
    expect(run.jobRuns[0]?.error?.message.length).toBeLessThanOrEqual(4_000);
    expect(begun.filter((attempt) => attempt === 'bad#1')).toHaveLength(1);
  });

  it('of a job that has ended two workers is refused, however many it may have', async () => {
    const retry = { maximumAttempts: 5, initialInterval: '10ms' };
    await engine.push({ project: 'harmful', jobs: { harms: { kind: 'harmful', retry } } });
    const run = await engine.run('harmful');
    expect(run.jobRuns).toMatchObject([
      { state: 'FAILED', attempts: 3, error: { code: 'JOB_ENDS_WORKERS' } },
    ]);
    expect(begun.filter((attempt) => attempt.startsWith('harms#'))).toEqual(['harms#1', 'harms#2']);
    expect(await engine.verify(run.id)).toMatchObject({ verdict: 'equal' });
  });
});
