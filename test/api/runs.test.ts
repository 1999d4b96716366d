import { expect, test } from 'vitest';
import type {
  AttemptView,
  GraphRunDetail,
  GraphRunView,
  JobRunDetail,
  JobRunView,
  JobView,
  Page,
} from '../../graph/resources.ts';
import { graphRunWorkflowId, jobRunWorkflowId } from '../../workflows/contract.ts';
import { newName, useApi } from './test-api.ts';

const { call, makeProject, store, temporal } = await useApi();

test('a run is stored, then started, and answered as it was created', async () => {
  const name = await makeProject();
  const { status, headers, body } = await call<GraphRunView>('POST', `/v1/projects/${name}/runs`, {
    payload: { select: ['+count'] },
  });
  expect([status, headers.location]).toEqual([201, `/v1/graph-runs/${body.id}`]);
  expect(body).toMatchObject({
    project: name,
    version: 1,
    state: 'PENDING',
    reason: 'queued',
    origin: 'api',
    select: ['+count'],
    workflowId: graphRunWorkflowId(body.id, 1),
    createdBy: 'key:editor',
    jobCounts: { PENDING: 2, RUNNING: 0, FAILED: 0, SUCCESS: 0 },
  });
  expect(temporal.graphRuns).toContainEqual(
    expect.objectContaining({ id: body.id, project: name, workflowId: graphRunWorkflowId(body.id, 1) }),
  );
  const shown = await call<GraphRunDetail>('GET', `/v1/graph-runs/${body.id}`);
  const { jobRuns, tasks, droppedJobs, ...run } = shown.body;
  expect([run, tasks, droppedJobs]).toEqual([body, [], []]);
  expect(jobRuns.map(({ job, state }) => [job, state])).toEqual([
    ['load', 'PENDING'],
    ['count', 'PENDING'],
  ]);
  expect(shown.headers['cache-control']).toBe('no-store');
});

test('a run needs no body', async () => {
  const name = await makeProject();
  const { status, body } = await call<GraphRunView>('POST', `/v1/projects/${name}/runs`);
  expect([status, body.select, body.params]).toEqual([201, null, {}]);
});

test('while Temporal is away a run is taken all the same, and waits to be started', async () => {
  const name = await makeProject();
  temporal.isAway = true;
  const run = await call<GraphRunView>('POST', `/v1/projects/${name}/runs`);
  const lone = await call<JobRunDetail>('POST', `/v1/projects/${name}/jobs/load/runs`);
  temporal.isAway = false;
  expect([run.status, run.body.state, lone.status, lone.body.state]).toEqual([
    201,
    'PENDING',
    201,
    'PENDING',
  ]);
  const later = new Date(Date.now() + 60_000);
  expect((await store.graphRuns.unstarted(later, 100)).map(({ id }) => id)).toContain(run.body.id);
  expect((await store.jobRuns.unstarted(later, 100)).map(({ id }) => id)).toContain(lone.body.id);
});

test('a selection that names no job is refused at its place, and nothing is started', async () => {
  const name = await makeProject();
  const { status, problem } = await call('POST', `/v1/projects/${name}/runs`, {
    payload: { select: ['load', '+cuont'] },
  });
  expect([status, problem.code, problem.problems?.[0]?.path]).toEqual([
    422,
    'SELECTION_INVALID',
    '/select/1',
  ]);
  expect((await store.graphRuns.list({ project: name }, { limit: 10 })).items).toEqual([]);
});

test('a parameter that the graph does not declare is refused', async () => {
  const name = await makeProject();
  const { status, problem } = await call('POST', `/v1/projects/${name}/runs`, {
    payload: { params: { year: 2001 } },
  });
  expect([status, problem.code, problem.problems?.[0]?.path]).toEqual([
    422,
    'PARAMS_INVALID',
    '/params/year',
  ]);
});

test('a project without a graph cannot be run', async () => {
  const name = newName();
  await call('POST', '/v1/projects', { payload: { name } });
  const { status, problem } = await call('POST', `/v1/projects/${name}/runs`);
  expect([status, problem.code]).toEqual([404, 'GRAPH_UNKNOWN']);
});

test('runs are listed newest first, by project and state', async () => {
  const name = await makeProject();
  const ids: string[] = [];
  for (let made = 0; made < 3; made += 1) {
    ids.unshift((await call<GraphRunView>('POST', `/v1/projects/${name}/runs`)).body.id);
  }
  const first = await call<Page<GraphRunView>>('GET', `/v1/graph-runs?project=${name}&limit=2`);
  const rest = await call<Page<GraphRunView>>(
    'GET',
    `/v1/graph-runs?project=${name}&cursor=${first.body.nextCursor}`,
  );
  expect([...first.body.items, ...rest.body.items].map(({ id }) => id)).toEqual(ids);
  expect(rest.body.nextCursor).toBeNull();
  const failed = await call<Page<GraphRunView>>('GET', `/v1/graph-runs?project=${name}&state=FAILED`);
  expect(failed.body.items).toEqual([]);
  const { problem } = await call('GET', '/v1/graph-runs?state=CANCELLED');
  expect([problem.code, problem.problems?.[0]?.path]).toEqual(['REQUEST_INVALID', '/query/state']);
});

test('one job is run alone, and listed among its runs', async () => {
  const name = await makeProject();
  const url = `/v1/projects/${name}/jobs/load`;
  const { status, headers, body } = await call<JobRunDetail>('POST', `${url}/runs`);
  expect([status, headers.location]).toEqual([201, `/v1/job-runs/${body.id}`]);
  expect(body).toMatchObject({
    job: 'load',
    state: 'PENDING',
    reason: 'queued',
    graphRunId: null,
    output: null,
  });
  const workflowId = jobRunWorkflowId(body.id, 1);
  expect(temporal.jobRuns).toContainEqual(
    expect.objectContaining({ id: body.id, project: name, job: 'load', workflowId }),
  );
  expect((await call('GET', `/v1/job-runs/${body.id}`)).body).toEqual(body);
  const attempts = await call<Page<AttemptView>>('GET', `/v1/job-runs/${body.id}/attempts`);
  expect(attempts.body).toEqual({ items: [], nextCursor: null });
  const runs = await call<Page<JobRunView>>('GET', `${url}/runs`);
  expect(runs.body.items.map(({ id }) => id)).toEqual([body.id]);
  expect((await call<JobView>('GET', url)).body).toMatchObject({
    key: 'load',
    state: 'PENDING',
    lastRunId: body.id,
  });
});

test('jobs are listed in topological order', async () => {
  const name = await makeProject();
  const { body } = await call<Page<JobView>>('GET', `/v1/projects/${name}/jobs`);
  expect(body.items.map(({ key, dependsOn, state }) => [key, dependsOn, state])).toEqual([
    ['load', [], null],
    ['count', ['load'], null],
  ]);
});

test.each([
  ['GET', '/v1/graph-runs/0198c5a2-0000-7000-8000-000000000000', 'GRAPH_RUN_UNKNOWN'],
  ['GET', '/v1/graph-runs/not-an-id', 'GRAPH_RUN_UNKNOWN'],
  ['GET', '/v1/job-runs/0198c5a2-0000-7000-8000-000000000000', 'JOB_RUN_UNKNOWN'],
  ['GET', '/v1/job-runs/not-an-id/attempts', 'JOB_RUN_UNKNOWN'],
  ['GET', '/v1/projects/nobody/jobs', 'PROJECT_UNKNOWN'],
  ['POST', '/v1/projects/nobody/runs', 'PROJECT_UNKNOWN'],
] as const)('%s %s answers 404 %s', async (method, url, code) => {
  const { status, problem } = await call(method, url);
  expect([status, problem.code]).toEqual([404, code]);
});

test('a job that the graph does not have is unknown', async () => {
  const name = await makeProject();
  for (const [method, url] of [
    ['GET', `/v1/projects/${name}/jobs/lod`],
    ['POST', `/v1/projects/${name}/jobs/lod/runs`],
  ] as const) {
    const { status, problem } = await call(method, url);
    expect([status, problem.code]).toEqual([404, 'JOB_UNKNOWN']);
  }
});
