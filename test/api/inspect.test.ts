import { expect, test } from 'vitest';
import { CodedError } from '../../graph/errors.ts';
import type { Explanation, Verification, Verifications } from '../../graph/inspections.ts';
import type { PageRequest, RunListFilter } from '../../store/store.ts';
import { fakeInspector, useApi } from './test-api.ts';

const asked: { filter: RunListFilter; page: PageRequest }[] = [];
const unknown = (id: string) => {
  throw new CodedError('JOB_RUN_UNKNOWN', `There is no job run ${id}.`);
};
const { call } = await useApi({
  inspector: {
    ...fakeInspector,
    verifyJobRun: async (id) => (id === 'known' ? fakeInspector.verifyGraphRun(id) : unknown(id)),
    verifyRuns: async (filter, page) => {
      asked.push({ filter, page });
      if (page.cursor === 'away') throw new CodedError('TEMPORAL_UNAVAILABLE', 'Temporal does not answer.');
      return { items: [], nextCursor: 'more', total: 7 };
    },
  },
});

test('runs and job runs are verified and explained by their ids', async () => {
  const { body } = await call<Verification>('GET', '/v1/graph-runs/known/verify');
  expect(body).toMatchObject({ verdict: 'unprovable', why: 'no execution has opened the run yet' });
  expect((await call<Verification>('GET', '/v1/job-runs/known/verify')).body).toEqual(body);
  const { problem } = await call('GET', '/v1/job-runs/other/verify');
  expect([problem.status, problem.code]).toEqual([404, 'JOB_RUN_UNKNOWN']);
  const explained = await call<Explanation>('GET', '/v1/graph-runs/known/explain');
  expect(explained.body.run).toMatchObject({ reason: 'not_started' });
  expect((await call<Explanation>('GET', '/v1/job-runs/known/explain')).body).toEqual(explained.body);
});

test('all runs are verified page by page, of a project and since a time', async () => {
  const since = '2026-11-24T08:00:00%2B02:00';
  const url = `/v1/verifications?project=flights&since=${since}&limit=50&cursor=x`;
  const { status, body } = await call<Verifications>('GET', url);
  expect([status, body]).toEqual([200, { items: [], nextCursor: 'more', total: 7 }]);
  await call('GET', '/v1/verifications');
  expect(asked).toEqual([
    {
      filter: { project: 'flights', since: new Date('2026-11-24T06:00:00Z') },
      page: { limit: 50, cursor: 'x' },
    },
    { filter: {}, page: { limit: 20 } },
  ]);
  const away = await call('GET', '/v1/verifications?cursor=away');
  expect([away.status, away.problem.code]).toEqual([503, 'TEMPORAL_UNAVAILABLE']);
});

test.each([
  ['limit=51', '/query/limit'],
  ['since=yesterday', '/query/since'],
  ['since=24h', '/query/since'],
  ['project=Not%20A%20Name', '/query/project'],
  ['state=FAILED', '/query'],
])('a list of verifications asked for with %s is refused', async (query, path) => {
  const { status, problem } = await call('GET', `/v1/verifications?${query}`);
  expect([status, problem.code, problem.problems?.[0]?.path]).toEqual([
    400,
    'REQUEST_INVALID',
    expect.stringContaining(path),
  ]);
});
