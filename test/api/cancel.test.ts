import { expect, test } from 'vitest';
import type { EventPage, GraphRunDetail, GraphRunView, JobRunDetail } from '../../graph/resources.ts';
import { jobRunIdOf } from '../../store/index.ts';
import { carryOut } from '../cli/use-cli.ts';
import { useApi } from './test-api.ts';

const { call, makeProject, store, temporal } = await useApi();

async function startRun(): Promise<GraphRunView> {
  return (await call<GraphRunView>('POST', `/v1/projects/${await makeProject()}/runs`)).body;
}

async function startLone(): Promise<JobRunDetail> {
  return (await call<JobRunDetail>('POST', `/v1/projects/${await makeProject()}/jobs/load/runs`)).body;
}

const cancelEvents = async (project: string) =>
  (await call<EventPage>('GET', `/v1/events?project=${project}&limit=100`)).body.items.filter(
    ({ type }) => type === 'cancel',
  );

test('a cancel is kept with who and why, told to Temporal, and answered with the run', async () => {
  const run = await startRun();
  const payload = { note: 'the wrong file' };
  const { status, headers, body } = await call<GraphRunView>('POST', `/v1/graph-runs/${run.id}/cancel`, {
    payload,
  });
  expect([status, headers.location]).toEqual([202, `/v1/graph-runs/${run.id}`]);
  const cancelRequest = { at: expect.any(String), by: 'key:editor', note: 'the wrong file' };
  expect(body).toEqual({ ...run, cancelRequest });
  expect((await call<GraphRunDetail>('GET', `/v1/graph-runs/${run.id}`)).body.cancelRequest).toEqual(
    body.cancelRequest,
  );
  expect(temporal.cancels.at(-1)).toMatchObject({
    workflowId: run.workflowId,
    firstExecutionRunId: null,
    cancelRequest,
  });
  expect(await cancelEvents(run.project)).toMatchObject([
    { graphRunId: run.id, state: null, reason: null, epoch: 1, actor: 'key:editor', note: 'the wrong file' },
  ]);
});

test('a second cancel changes nothing, and is answered as the first', async () => {
  const run = await startRun();
  const url = `/v1/graph-runs/${run.id}/cancel`;
  const first = await call('POST', url, { payload: { note: 'one' } });
  const second = await call('POST', url, { payload: { note: 'two' }, role: 'admin' });
  expect([second.status, second.body]).toEqual([202, first.body]);
  expect(await cancelEvents(run.project)).toHaveLength(1);
});

test('a cancel that is sent again with its key is replayed, though the run has ended since', async () => {
  const run = await startRun();
  const sent = { payload: { note: 'one' }, headers: { 'idempotency-key': 'stop-it' } };
  const url = `/v1/graph-runs/${run.id}/cancel`;
  const first = await call('POST', url, sent);
  const end = { state: 'FAILED', reason: 'cancelled' } as const;
  await carryOut(store, run, { load: end, count: end });
  const again = await call('POST', url, sent);
  expect([again.status, again.body, again.headers['idempotency-replayed']]).toEqual([
    202,
    first.body,
    'true',
  ]);
});

test('while Temporal is away a cancel is taken all the same, and waits to be told', async () => {
  const run = await startRun();
  temporal.isAway = true;
  const { status } = await call('POST', `/v1/graph-runs/${run.id}/cancel`);
  temporal.isAway = false;
  expect(status).toBe(202);
  const open = await store.cancels.open('graph_run', null, 100);
  expect(open.filter(({ id }) => id === run.id)).toMatchObject([
    { workflowId: run.workflowId, runId: null, cancelRequest: { by: 'key:editor', note: null } },
  ]);
});

test('a job that was run alone is cancelled likewise', async () => {
  const run = await startLone();
  const url = `/v1/job-runs/${run.id}`;
  const payload = { note: 'not now' };
  const { status, headers, body } = await call<JobRunDetail>('POST', `${url}/cancel`, { payload });
  expect([status, headers.location]).toEqual([202, url]);
  expect(body).toEqual({
    ...run,
    cancelRequest: { at: expect.any(String), by: 'key:editor', note: 'not now' },
  });
  expect((await call('GET', url)).body).toEqual(body);
  expect((await call('POST', `${url}/cancel`)).body).toEqual(body);
  expect(await cancelEvents(run.project)).toMatchObject([
    { jobRunId: run.id, graphRunId: null, job: 'load', note: 'not now' },
  ]);
  expect((await store.cancels.open('job_run', null, 100)).map(({ id }) => id)).toContain(run.id);
});

test('a run that has ended is refused', async () => {
  const run = await startRun();
  const end = { state: 'SUCCESS', reason: null } as const;
  await carryOut(store, run, { load: end, count: end });
  const { status, problem } = await call('POST', `/v1/graph-runs/${run.id}/cancel`);
  expect([status, problem.code]).toEqual([409, 'RUN_HAS_ENDED']);
  expect(await cancelEvents(run.project)).toEqual([]);
});

test('a job of a graph run is cancelled by itself: its workflow is told, once there is one', async () => {
  const run = await startRun();
  const id = jobRunIdOf(run.id, 'load');
  const url = `/v1/job-runs/${id}`;
  const sent = temporal.signals.length;
  const payload = { note: 'not this one' };
  const { status, headers, body } = await call<JobRunDetail>('POST', `${url}/cancel`, { payload });
  expect([status, headers.location]).toEqual([202, url]);
  const cancelRequest = { at: expect.any(String), by: 'key:editor', note: 'not this one' };
  expect(body).toMatchObject({ id, graphRunId: run.id, state: 'PENDING', reason: 'queued', cancelRequest });
  expect((await call('GET', url)).body).toEqual(body);
  expect(await cancelEvents(run.project)).toMatchObject([
    { graphRunId: run.id, jobRunId: id, job: 'load', actor: 'key:editor', note: 'not this one' },
  ]);
  expect([temporal.signals.length, await store.cancels.untoldJobs(null, 100)]).toEqual([sent, []]);

  const runId = `execution-of-${run.id}`;
  const identity = { workflowId: run.workflowId, runId, firstExecutionRunId: runId };
  const opening = { identity, known: { graphRunId: run.id, epoch: 1 }, project: run.project, params: {} };
  await store.execution.openGraphRun({ ...opening, select: null, actor: 'test' });
  const told = { workflowId: run.workflowId, runId, by: 'key:editor' };
  expect(await store.cancels.untoldJobs(null, 100)).toEqual([{ ...told, jobRunId: id, job: 'load' }]);
  expect((await call<JobRunDetail>('POST', `${url}/cancel`)).body.cancelRequest).toEqual(body.cancelRequest);
  expect(temporal.signals.at(-1)).toEqual({
    ...{ ...told, name: 'graphrun:cancel-job', input: { job: 'load' } },
    requestId: `cancel/${id}`,
  });
  expect(await store.cancels.untoldJobs(null, 100)).toEqual([]);
  expect(await cancelEvents(run.project)).toHaveLength(1);
});

test('a job of a graph run that has ended is refused', async () => {
  const run = await startRun();
  const end = { state: 'SUCCESS', reason: null } as const;
  await carryOut(store, run, { load: end, count: end });
  const { status, problem } = await call('POST', `/v1/job-runs/${jobRunIdOf(run.id, 'load')}/cancel`);
  expect([status, problem.code]).toEqual([409, 'RUN_HAS_ENDED']);
});

test.each([
  ['graph-runs', 'GRAPH_RUN_UNKNOWN'],
  ['job-runs', 'JOB_RUN_UNKNOWN'],
])('a run among %s that is not there is unknown', async (runs, code) => {
  for (const id of ['0198c5a2-0000-7000-8000-000000000000', 'not-an-id']) {
    const { status, problem } = await call('POST', `/v1/${runs}/${id}/cancel`);
    expect([status, problem.code]).toEqual([404, code]);
  }
});

test.each([
  [{ note: 'x'.repeat(501) }, '/note'],
  [{ note: '' }, '/note'],
  [{ reason: 'why' }, ''],
])('a body that is not one of a cancel is refused', async (payload, path) => {
  const run = await startRun();
  const { status, problem } = await call('POST', `/v1/graph-runs/${run.id}/cancel`, { payload });
  expect([status, problem.code, problem.problems?.[0]?.path]).toEqual([
    400,
    'REQUEST_INVALID',
    expect.stringContaining(path),
  ]);
  expect((await store.graphRuns.get(run.id)).cancelRequest).toBeNull();
});
