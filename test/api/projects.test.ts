import { expect, test } from 'vitest';
import { type Page, type ProjectView, projectSchema } from '../../graph/resources.ts';
import { newName, useApi } from './test-api.ts';

const { call, makeProject, store } = await useApi();

test('a project is made once, and shown without a state before its first run', async () => {
  const name = newName();
  const made = await call('POST', '/v1/projects', { payload: { name, timezone: 'Europe/Berlin' } });
  expect(made.status).toBe(201);
  expect(made.headers.location).toBe(`/v1/projects/${name}`);
  expect(projectSchema.parse(made.body)).toMatchObject({
    name,
    timezone: 'Europe/Berlin',
    state: null,
    createdBy: 'key:editor',
  });

  const again = await call('POST', '/v1/projects', { payload: { name } });
  expect([again.status, again.problem.code]).toEqual([409, 'PROJECT_EXISTS']);
  expect((await call('GET', `/v1/projects/${name}`)).body).toEqual(made.body);
});

test('its time zone can be changed, and nothing else', async () => {
  const name = await makeProject();
  const changed = await call<ProjectView>('PATCH', `/v1/projects/${name}`, {
    payload: { timezone: 'Asia/Tokyo' },
  });
  expect([changed.status, changed.body.timezone]).toEqual([200, 'Asia/Tokyo']);

  const refused = await call('PATCH', `/v1/projects/${name}`, {
    payload: { timezone: 'UTC', name: 'other' },
  });
  expect([refused.status, refused.problem.code]).toEqual([400, 'REQUEST_INVALID']);
  expect(refused.problem.problems).toEqual([
    { code: 'SHAPE_INVALID', path: '', message: 'Unrecognized key: "name"' },
  ]);
  expect((await store.projects.get(name)).timezone).toBe('Asia/Tokyo');
});

test('a project with an open run is not deleted; one without is gone', async () => {
  const name = await makeProject();
  const gone = newName();
  await call('POST', '/v1/projects', { payload: { name: gone } });
  await call('POST', `/v1/projects/${name}/runs`);

  const refused = await call('DELETE', `/v1/projects/${name}`, { role: 'admin' });
  expect([refused.status, refused.problem.code]).toEqual([409, 'PROJECT_HAS_OPEN_RUNS']);
  const deleted = await call('DELETE', `/v1/projects/${gone}`, { role: 'admin' });
  expect([deleted.status, deleted.body]).toEqual([204, '']);
  expect((await call('GET', `/v1/projects/${gone}`)).problem.code).toBe('PROJECT_UNKNOWN');
});

test('a job that runs alone keeps its project as well', async () => {
  const name = await makeProject();
  await call('POST', `/v1/projects/${name}/jobs/load/runs`);
  const refused = await call('DELETE', `/v1/projects/${name}`, { role: 'admin' });
  expect([refused.status, refused.problem.code]).toEqual([409, 'PROJECT_HAS_OPEN_RUNS']);
});

test('the name of a deleted project is free once its data is gone', async () => {
  const name = await makeProject();
  await call('DELETE', `/v1/projects/${name}`, { role: 'admin' });
  const early = await call('POST', '/v1/projects', { payload: { name } });
  expect([early.status, early.problem.code]).toEqual([409, 'PROJECT_BEING_DELETED']);
  expect(early.problem.detail).toContain('try again in a moment');
  expect((await call('GET', `/v1/projects/${name}`)).problem.code).toBe('PROJECT_UNKNOWN');
  for (const tombstone of await store.tombstones.due(10)) await store.tombstones.remove(tombstone);
  expect((await call('POST', '/v1/projects', { payload: { name } })).status).toBe(201);
});

test('pages of a list follow each other without a gap, newest first', async () => {
  const names = [newName(), newName(), newName()];
  for (const name of names) await call('POST', '/v1/projects', { payload: { name } });
  const first = await call<Page<ProjectView>>('GET', '/v1/projects?limit=2');
  const second = await call<Page<ProjectView>>('GET', `/v1/projects?limit=1&cursor=${first.body.nextCursor}`);
  const seen = [...first.body.items, ...second.body.items].map((project) => project.name);
  expect(seen).toEqual(names.toReversed());
});

test.each([
  ['limit=0', '/query/limit'],
  ['limit=501', '/query/limit'],
  ['limit=ten', '/query/limit'],
  ['limit=1&limit=2', '/query/limit'],
  ['sort=name', '/query'],
])('the query %s is refused at its place', async (query, path) => {
  const { status, problem } = await call('GET', `/v1/projects?${query}`);
  expect([status, problem.code, problem.problems?.[0]?.path]).toEqual([400, 'REQUEST_INVALID', path]);
});

test('a cursor that no list gave is refused', async () => {
  const { status, problem } = await call('GET', '/v1/projects?cursor=bm9uc2Vuc2U');
  expect([status, problem.code]).toEqual([400, 'CURSOR_INVALID']);
});
