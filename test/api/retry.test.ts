import { expect, test } from 'vitest';
import type { EventPage, GraphRunView, JobRunDetail } from '../../graph/resources.ts';
import { createStore, jobRunIdOf } from '../../store/index.ts';
import { carryOut } from '../cli/use-cli.ts';
import { useDatabases } from '../support/databases.ts';
import { useSql } from '../support/sql.ts';
import { useApi } from './test-api.ts';

const { databaseUrl } = await useDatabases();
const { call, makeProject, store, temporal } = await useApi({ store: createStore({ databaseUrl }) });
const sql = await useSql(databaseUrl);

/** A run whose job `load` has had an attempt, and is as told since. */
async function startRun(set = `state = 'PENDING', reason = 'retry'`) {
  const run = (await call<GraphRunView>('POST', `/v1/projects/${await makeProject()}/runs`)).body;
  const runId = `execution-of-${run.id}`;
  const identity = { workflowId: run.workflowId, runId, firstExecutionRunId: runId };
  const known = { graphRunId: run.id, epoch: 1 };
  const opening = { identity, known, project: run.project, params: {}, select: null, actor: 'test' };
  await store.execution.openGraphRun(opening);
  const id = jobRunIdOf(run.id, 'load');
  await sql.query(`UPDATE job_run SET attempts = 1, started_at = now(), ${set} WHERE id = $1`, [id]);
  return { run, id, runId, url: `/v1/job-runs/${id}` };
}

const retryEvents = async (project: string) =>
  (await call<EventPage>('GET', `/v1/events?project=${project}&limit=100`)).body.items.filter(
    ({ type }) => type === 'retry',
  );

test('a retry is kept with who and why, told to Temporal once, and counts for that attempt alone', async () => {
  const { run, id, runId, url } = await startRun();
  const { status, headers, body } = await call<JobRunDetail>('POST', `${url}/retry`, {
    payload: { note: 'mended' },
  });
  expect([status, headers.location]).toEqual([202, url]);
  expect(body).toMatchObject({ id, state: 'PENDING', reason: 'retry', attempts: 1 });
  const told = { jobRunId: id, job: 'load', workflowId: run.workflowId, runId, by: 'key:editor' };
  expect(temporal.retries.at(-1)).toEqual(told);
  expect((await call('POST', `${url}/retry`, { role: 'admin' })).body).toEqual(body);
  expect(await retryEvents(run.project)).toMatchObject([
    {
      graphRunId: run.id,
      jobRunId: id,
      job: 'load',
      attempt: 1,
      actor: 'key:editor',
      note: 'mended',
      state: null,
    },
  ]);
  expect(await store.retries.open(null, 100)).toEqual([told]);
  await sql.query('UPDATE job_run SET attempts = 2 WHERE id = $1', [id]);
  expect(await store.retries.open(null, 100)).toEqual([]);
  await call('POST', `${url}/retry`);
  expect(await retryEvents(run.project)).toHaveLength(2);
});

test('while Temporal is away it is taken all the same, and waits to be told', async () => {
  const { id, url } = await startRun();
  temporal.isAway = true;
  const { status } = await call('POST', `${url}/retry`);
  temporal.isAway = false;
  expect(status).toBe(202);
  expect((await store.retries.open(null, 100)).map(({ jobRunId }) => jobRunId)).toContain(id);
});

test.each([
  ['works', `state = 'RUNNING'`, 'graphrun cancel'],
  ['has not begun', 'attempts = 0, started_at = NULL', 'graphrun explain'],
  ['is to be cancelled', `state = 'PENDING', reason = 'retry', cancel_epoch = epoch`, 'no further attempt'],
])('a job that %s is refused, and what to do is told', async (_what, set, advice) => {
  const { url } = await startRun(set.includes('attempts') ? 'reason = NULL' : set);
  if (set.includes('attempts'))
    await sql.query(`UPDATE job_run SET ${set} WHERE id = $1`, [url.split('/').at(-1)]);
  const { status, problem } = await call('POST', `${url}/retry`);
  expect([status, problem.code, problem.detail]).toEqual([
    409,
    'JOB_NOT_WAITING',
    expect.stringContaining(advice),
  ]);
});

test('one whose activity somebody has paused in Temporal is refused, with who and the command that ends that', async () => {
  const { run, id, url } = await startRun();
  temporal.pause = { by: 'somebody@host', reason: 'the source is down', at: null };
  const told = temporal.retries.length;
  const { status, problem } = await call('POST', `${url}/retry`);
  temporal.pause = null;
  expect([status, problem.code, problem.detail]).toEqual([
    409,
    'JOB_NOT_WAITING',
    `The job run ${id} is paused in Temporal by somebody@host (the source is down); to go on: ` +
      `temporal activity unpause --workflow-id ${run.workflowId} --activity-id load`,
  ]);
  expect(temporal.retries).toHaveLength(told);
  expect((await call('POST', `${url}/retry`)).status).toBe(202);
});

test('a job that has ended, or is not there, is refused', async () => {
  const { run, url } = await startRun();
  await carryOut(store, run, {
    load: { state: 'FAILED', reason: 'error' },
    count: { state: 'FAILED', reason: 'upstream_failed' },
  });
  const { status, problem } = await call('POST', `${url}/retry`);
  expect([status, problem.code]).toEqual([409, 'JOB_NOT_WAITING']);
  expect(problem.detail).toContain(
    `has ended as FAILED/error: once its run has ended, "graphrun resume ${run.id} --from load"`,
  );
  for (const id of ['0198c5a2-0000-7000-8000-000000000000', 'not-an-id']) {
    const unknown = await call('POST', `/v1/job-runs/${id}/retry`);
    expect([unknown.status, unknown.problem.code]).toEqual([404, 'JOB_RUN_UNKNOWN']);
  }
});
