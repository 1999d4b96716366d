import { expect, test } from 'vitest';
import type { JobRunDetail } from '../../client/index.ts';
import type { JobEnd } from '../../graph/states.ts';
import { useCli } from './use-cli.ts';

const { makeProject, run, store, temporal } = await useCli();

/** The job run that is started next is carried out at once. */
function carryOutNext(end: JobEnd): void {
  const { startJobRun } = temporal;
  temporal.startJobRun = async (started) => {
    temporal.startJobRun = startJobRun;
    const { id, workflowId, project } = started;
    const runId = `execution-of-${id}`;
    const identity = { workflowId, runId, firstExecutionRunId: runId };
    const known = { jobRunId: id, epoch: 1 };
    await store.execution.openJobRun({ identity, known, project, job: 'load', params: {}, actor: 'test' });
    const error = end.state === 'FAILED' ? { type: 'Error', message: 'line 3: what a mess' } : null;
    await store.execution.closeJobRun({ runId, end, error, actor: 'test' }, async () => new Map());
    return null;
  };
}

test('run-job runs one job alone and prints its id', async () => {
  const name = await makeProject();
  const { code, stdout, stderr } = await run(['run-job', name, 'load']);
  const shown = await store.jobRuns.get(stdout.trim());
  expect([code, shown.job, shown.graphRunId, stderr]).toEqual([
    0,
    'load',
    null,
    `see how it ends with: graphrun show ${shown.id}\n`,
  ]);
});

test('run-job hands on its parameters, which are checked', async () => {
  const name = await makeProject();
  expect(await run(['run-job', name, 'load', '--param', 'day=2026-01-31'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/PARAMS_INVALID[\s\S]*"day"/),
  });
  expect(await run(['run-job', name, 'load', '--param', 'day'])).toMatchObject({ code: 2 });
});

test('run-job with one key runs it once, and prints its id each time', async () => {
  const name = await makeProject();
  const once = ['run-job', name, 'load', '--idempotency-key', 'by-hand'];
  expect(await run(once)).toEqual(await run(once));
  expect((await store.jobRuns.listOfJob(name, 'load', { limit: 10 })).items).toHaveLength(1);
  const away = await run(['run-job', name, 'load', '--url', 'http://127.0.0.1:9']);
  expect([away.code, away.stderr]).toEqual([3, expect.stringMatching(/--idempotency-key [0-9a-f-]{36}\n/)]);
});

test('run-job --watch tells how it ends, and so does its exit code', async () => {
  const name = await makeProject();
  carryOutNext({ state: 'SUCCESS', reason: null });
  const good = await run(['run-job', name, 'load', '--watch']);
  expect([good.code, good.stdout]).toEqual([0, expect.stringMatching(/Z {2}load {2}SUCCESS/)]);
  carryOutNext({ state: 'FAILED', reason: 'error' });
  const bad = await run(['run-job', name, 'load', '--watch', '--json']);
  const ended: JobRunDetail = JSON.parse(bad.stdout);
  expect([bad.code, ended.state, ended.reason]).toEqual([1, 'FAILED', 'error']);
  expect(bad.stderr).toContain('line 3: what a mess');
});

test('run-job of a job that is not there is refused', async () => {
  const name = await makeProject();
  expect(await run(['run-job', name, 'nobody'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('JOB_UNKNOWN'),
  });
});
