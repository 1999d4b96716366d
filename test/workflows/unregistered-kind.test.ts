import { expect, it } from 'vitest';
import { useEngine } from '../support/engine.ts';
import { pushNoops } from '../support/graphs.ts';

const engine = await useEngine();

it('a job of a kind that the worker does not have fails at once, naming the kind and those it has', async () => {
  await pushNoops(engine.store, 'unregistered', { a: [] });
  const run = await engine.run('unregistered');
  expect(run).toMatchObject({ state: 'FAILED', reason: 'job_failed' });
  expect(run.jobRuns).toMatchObject([
    { state: 'FAILED', reason: 'error', attempts: 1, error: { code: 'JOB_KIND_UNREGISTERED' } },
  ]);
  expect(run.jobRuns[0]?.error?.message).toMatch(/"noop".*upload, transform/);
});
