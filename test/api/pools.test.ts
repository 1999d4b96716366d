import { expect, test } from 'vitest';
import type { PoolView } from '../../graph/pools.ts';
import type { EventPage, Page } from '../../graph/resources.ts';
import { newName, twoJobs, useApi } from './test-api.ts';

const { call } = await useApi();

const put = (name: string, payload: object) => call<PoolView>('PUT', `/v1/pools/${name}`, { payload });

test('a pool is made, shown, listed by name, changed and deleted', async () => {
  const made = await put('warehouse', { slots: 3, description: 'connections' });
  expect([made.status, made.body]).toEqual([
    200,
    {
      ...{ name: 'warehouse', slots: 3, description: 'connections', held: 0, waiting: 0 },
      ...{
        createdAt: expect.any(String),
        createdBy: 'key:editor',
        updatedAt: expect.any(String),
        updatedBy: 'key:editor',
      },
    },
  ]);
  expect((await call('GET', '/v1/pools/warehouse')).body).toEqual(made.body);
  await put('api-quota', { slots: 1 });
  const listed = await call<Page<PoolView>>('GET', '/v1/pools');
  expect(listed.body.items.map(({ name }) => name)).toEqual(['api-quota', 'warehouse']);
  expect((await put('warehouse', { slots: 5 })).body).toMatchObject({ slots: 5, description: '' });
  expect((await call('DELETE', '/v1/pools/warehouse')).status).toBe(204);
  const gone = await call('GET', '/v1/pools/warehouse');
  expect([gone.status, gone.problem.code]).toEqual([404, 'POOL_UNKNOWN']);
});

test('what is done to a pool is told in the feed, with who did it; what changes nothing is not', async () => {
  const { readTo } = (await call<EventPage>('GET', '/v1/events?after=latest')).body;
  await put('told', { slots: 3 });
  await put('told', { slots: 3 });
  await put('told', { slots: 5 });
  await call('DELETE', '/v1/pools/told');
  const { body } = await call<EventPage>('GET', `/v1/events?after=${readTo}`);
  const told = body.items.filter(({ type }) => type === 'pool');
  expect(told.map(({ reason, note, actor }) => [reason, note, actor])).toEqual([
    ['created', 'told: 3 slots', 'key:editor'],
    ['changed', 'told: 3 to 5 slots', 'key:editor'],
    ['deleted', 'told', 'key:editor'],
  ]);
});

test.each([{ slots: 0 }, { slots: 1.5 }, {}, { slots: 10_001 }, { slots: 1, size: 2 }])(
  'a pool of %j is refused',
  async (payload) => {
    const { status, problem } = await put('bad', payload);
    expect([status, problem.code]).toEqual([400, 'REQUEST_INVALID']);
  },
);

test('a graph is refused with every pool that is not there or too small, and each with its place', async () => {
  await put('small', { slots: 2 });
  const name = newName();
  await call('POST', '/v1/projects', { payload: { name } });
  const { jobs } = twoJobs(name);
  const pushed = (load: object, count: object) =>
    call('PUT', `/v1/projects/${name}/graph`, {
      payload: {
        project: name,
        jobs: { load: { ...jobs.load, ...load }, count: { ...jobs.count, ...count } },
      },
    });
  const refused = await pushed({ pools: { nowhere: 1, small: 3 } }, { pools: { small: 0 }, timeout: 'soon' });
  expect(refused.status).toBe(422);
  expect(refused.problem.problems?.map(({ code, path }) => [code, path])).toEqual([
    ['SHAPE_INVALID', '/jobs/count/timeout'],
    ['SHAPE_INVALID', '/jobs/count/pools/small'],
    ['POOL_UNKNOWN', '/jobs/load/pools/nowhere'],
    ['POOL_TOO_SMALL', '/jobs/load/pools/small'],
  ]);
  const idle = await pushed({ priority: 3 }, {});
  expect(idle.problem.problems?.map(({ path }) => path)).toEqual(['/jobs/load/priority']);
  expect((await pushed({ pools: { small: 2 }, priority: 3 }, {})).status).toBe(201);
  const removed = await call('DELETE', '/v1/pools/small');
  expect([removed.status, removed.problem.code]).toEqual([409, 'POOL_IN_USE']);
  expect(removed.problem.detail).toContain(`"${name}"`);
  const shrunk = await put('small', { slots: 1 });
  expect([shrunk.status, shrunk.problem.code]).toEqual([409, 'POOL_IN_USE']);
  await pushed({}, {});
  expect((await call('DELETE', '/v1/pools/small')).status).toBe(204);
});

test('more pools than there may be are refused', async () => {
  const { items } = (await call<Page<PoolView>>('GET', '/v1/pools')).body;
  for (let at = items.length; at < 200; at += 1) expect((await put(`p${at}`, { slots: 1 })).status).toBe(200);
  const { status, problem } = await put('one-more', { slots: 1 });
  expect([status, problem.code]).toEqual([409, 'TOO_MANY_POOLS']);
  expect((await put('p199', { slots: 2 })).status).toBe(200);
});
