import { expect, test } from 'vitest';
import type { GraphRunView, JobRunDetail } from '../../graph/resources.ts';
import { newName, twoJobs, useApi } from './test-api.ts';

const { call, store, temporal } = await useApi();
const params = {
  year: { type: 'integer', default: 2001 },
  day: { type: 'string', format: 'date' },
};

async function makeWithParams(): Promise<string> {
  const name = newName();
  await call('POST', '/v1/projects', { payload: { name } });
  const pushed = await call('PUT', `/v1/projects/${name}/graph`, { payload: { ...twoJobs(name), params } });
  expect(pushed.status).toBe(201);
  return name;
}

test('parameters are checked with all else that is wrong with a graph', async () => {
  const name = newName();
  await call('POST', '/v1/projects', { payload: { name } });
  const { status, problem } = await call('PUT', `/v1/projects/${name}/graph`, {
    payload: { project: name, params: { year: { type: 'int' } }, jobs: { a: { kind: 'spark' } } },
  });
  expect([status, problem.problems?.map(({ code, path }) => [code, path])]).toEqual([
    422,
    [
      ['PARAM_SCHEMA_INVALID', '/params/year'],
      ['JOB_KIND_UNKNOWN', '/jobs/a/kind'],
    ],
  ]);
});

test('a run is given its parameters and the defaults of the others', async () => {
  const name = await makeWithParams();
  const url = `/v1/projects/${name}/runs`;
  const run = await call<GraphRunView>('POST', url, { payload: { params: { day: '2026-01-31' } } });
  expect([run.status, run.body.params]).toEqual([201, { year: 2001, day: '2026-01-31' }]);
  const shown = await call<GraphRunView>('GET', `/v1/graph-runs/${run.body.id}`);
  expect(shown.body.params).toEqual({ year: 2001, day: '2026-01-31' });
});

test('a job that is run alone is given them too', async () => {
  const name = await makeWithParams();
  const url = `/v1/projects/${name}/jobs/load/runs`;
  const run = await call<JobRunDetail>('POST', url, { payload: { params: { day: '2026-01-31', year: 7 } } });
  expect([run.status, run.body.params]).toEqual([201, { year: 7, day: '2026-01-31' }]);
  const shown = await call<JobRunDetail>('GET', `/v1/job-runs/${run.body.id}`);
  expect(shown.body.params).toEqual({ year: 7, day: '2026-01-31' });
  const refused = await call('POST', url, { payload: { params: { day: 'today' } } });
  expect([refused.status, refused.problem.code]).toEqual([422, 'PARAMS_INVALID']);
});

test('what is wrong with parameters is told at once, and nothing is started', async () => {
  const name = await makeWithParams();
  const before = temporal.graphRuns.length;
  const { status, problem } = await call('POST', `/v1/projects/${name}/runs`, {
    payload: { params: { year: '2001', yaer: 1 } },
  });
  expect([status, problem.code, problem.problems?.map(({ code, path }) => [code, path])]).toEqual([
    422,
    'PARAMS_INVALID',
    [
      ['PARAM_UNKNOWN', '/params/yaer'],
      ['PARAM_MISSING', '/params/day'],
      ['PARAM_INVALID', '/params/year'],
    ],
  ]);
  expect(problem.detail).toContain('/params/year: must be integer');
  expect(temporal.graphRuns.length).toBe(before);
  expect((await store.graphRuns.list({ project: name }, { limit: 10 })).items).toEqual([]);
});
