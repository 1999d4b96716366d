import { expect, test } from 'vitest';
import type { CurrentGraph, PushedGraph } from '../../client/index.ts';
import { limits } from '../../graph/limits.ts';
import type { GraphVersionView, Page } from '../../graph/resources.ts';
import { newName, twoJobs, useApi } from './test-api.ts';

const { app, call, keys, store } = await useApi();

async function emptyProject(): Promise<string> {
  const name = newName();
  await call('POST', '/v1/projects', { payload: { name } });
  return name;
}

/** Sends text as it is, so that it need not be what JSON.stringify would write. */
function pushText(project: string, payload: string, query = '') {
  const headers = { 'content-type': 'application/json' };
  return call<PushedGraph>('PUT', `/v1/projects/${project}/graph${query}`, { headers, payload });
}

test('a graph makes version 1, and the same one no other', async () => {
  const name = await emptyProject();
  const first = await pushText(name, JSON.stringify(twoJobs(name)));
  expect([first.status, first.body]).toEqual([
    201,
    { version: 1, isNew: true, change: { added: ['load', 'count'], removed: [], changed: [] } },
  ]);
  const again = await pushText(name, JSON.stringify(twoJobs(name)));
  expect([again.status, again.body.version, again.body.isNew]).toEqual([200, 1, false]);

  const current = await call<CurrentGraph>('GET', `/v1/projects/${name}/graph`);
  expect(current.body).toMatchObject({ version: 1, definition: twoJobs(name) });
  const versions = await call<Page<GraphVersionView>>('GET', `/v1/projects/${name}/graph/versions`);
  expect(versions.body.items).toMatchObject([{ version: 1, jobs: 2, createdBy: 'key:editor' }]);
});

test('a dry run tells the change and stores nothing', async () => {
  const name = await emptyProject();
  const dry = await pushText(name, JSON.stringify(twoJobs(name)), '?dryRun=true');
  expect([dry.status, dry.body.isNew, dry.body.change.added]).toEqual([200, true, ['load', 'count']]);
  const { problem } = await call('GET', `/v1/projects/${name}/graph`);
  expect([problem.status, problem.code]).toEqual([404, 'GRAPH_UNKNOWN']);
});

test('a cycle, an unknown kind and a missing dependency are refused together, each with its place', async () => {
  const name = await emptyProject();
  const jobs = {
    a: { kind: 'upload', config: { file: 'a.csv' }, dependsOn: ['b'] },
    b: { kind: 'upload', config: { file: 'b.csv' }, dependsOn: ['a'] },
    c: { kind: 'teleport', config: {} },
    d: { kind: 'upload', config: { file: 'd.csv' }, dependsOn: ['nowhere'] },
  };
  const { status, problem, headers } = await pushText(name, JSON.stringify({ project: name, jobs }));
  expect([status, problem.code]).toEqual([422, 'GRAPH_INVALID']);
  expect(headers['content-type']).toContain('application/problem+json');
  expect(problem.problems?.map(({ code, path }) => [code, path])).toEqual(
    expect.arrayContaining([
      ['GRAPH_CYCLE', expect.stringMatching(/^\/jobs\/[ab]$/)],
      ['JOB_KIND_UNKNOWN', '/jobs/c/kind'],
      ['DEPENDENCY_UNKNOWN', '/jobs/d/dependsOn/0'],
    ]),
  );
  expect(problem.problems).toHaveLength(3);
  expect((await store.graphs.versions(name, { limit: 10 })).items).toEqual([]);
  expect((await store.projects.get(name)).version).toBeNull();
});

test('a key that is there twice is found, together with all else', async () => {
  const name = await emptyProject();
  const text = `{"project":"${name}","jobs":{"a":{"kind":"upload","config":{"file":"a.csv","file":"b.csv"}},"a":{"kind":"nope"}}}`;
  const { status, problem } = await pushText(name, text);
  expect([status, problem.code]).toEqual([422, 'GRAPH_INVALID']);
  expect(problem.problems?.map(({ code, path }) => [code, path])).toEqual([
    ['KEY_DUPLICATE', '/jobs/a/config/file'],
    ['KEY_DUPLICATE', '/jobs/a'],
    ['JOB_KIND_UNKNOWN', '/jobs/a/kind'],
  ]);
});

test('a definition of another project is not taken for this one', async () => {
  const name = await emptyProject();
  const { status, problem } = await pushText(name, JSON.stringify(twoJobs('someone-else')));
  expect([status, problem.code]).toEqual([409, 'PROJECT_MISMATCH']);
});

test('a graph for a project that is not there is refused', async () => {
  const name = newName();
  const { status, problem } = await pushText(name, JSON.stringify(twoJobs(name)));
  expect([status, problem.code]).toEqual([404, 'PROJECT_UNKNOWN']);
});

test('no body at all is a graph with problems', async () => {
  const name = await emptyProject();
  const { status, problem } = await call('PUT', `/v1/projects/${name}/graph`);
  expect([status, problem.code, problem.problems?.length]).toEqual([422, 'GRAPH_INVALID', 1]);
});

test('of very many problems the first are listed and all are counted', async () => {
  const name = await emptyProject();
  const jobs = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`j${at}`, { kind: 'nope' }]));
  const { problem } = await pushText(name, JSON.stringify({ project: name, jobs }));
  expect(problem.problems).toHaveLength(limits.problemsShown);
  expect(problem.detail).toContain('500 problems');
});

test('a definition over the limit is refused before it is read', async () => {
  const name = await emptyProject();
  const notJson = 'x'.repeat(limits.definitionBytes + 1);
  const { status, problem } = await pushText(name, notJson);
  expect([status, problem.code]).toEqual([413, 'BODY_TOO_LARGE']);
  expect(problem.detail).toContain(String(limits.definitionBytes));
});

test('its length alone is enough to be refused: not a byte of it is awaited', async () => {
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  const { request } = await import('node:http');
  const status = await new Promise((resolve, reject) => {
    const sent = request(`${url}/v1/projects/nobody/graph`, {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${keys.editor}`,
        'content-type': 'application/json',
        'content-length': 5_000_000,
      },
    });
    sent.on('response', (response) => resolve(response.statusCode)).on('error', reject);
    sent.flushHeaders();
  });
  expect(status).toBe(413);
});
