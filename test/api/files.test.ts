import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { limits } from '../../graph/limits.ts';
import type { FileView, Page } from '../../graph/resources.ts';
import { useApi } from './test-api.ts';

const { app, call, keys, makeProject, store } = await useApi();
const content = 'n\n1\n2\n3\n';
const digest = (text: string) => createHash('sha256').update(text).digest();

test('a file is stored as it was sent, whatever its content type, and replaced by the next', async () => {
  const url = `/v1/projects/${await makeProject()}/files/numbers 1.csv`;
  const headers = { 'content-type': 'text/csv; charset=utf-8' };
  const first = await call<FileView>('PUT', encodeURI(url), { payload: content, headers });
  expect(first.status).toBe(201);
  expect(first.body).toMatchObject({
    name: 'numbers 1.csv',
    bytes: 8,
    sha256: digest(content).toString('hex'),
  });
  const second = await call<FileView>('PUT', encodeURI(url), {
    payload: '{}',
    headers: { 'content-type': 'application/json' },
  });
  expect([second.status, second.body.bytes]).toEqual([200, 2]);
  expect((await call('GET', encodeURI(url))).body).toEqual(second.body);
  expect((await call('HEAD', encodeURI(url))).status).toBe(200);
});

test('files of a project are listed by name', async () => {
  const name = await makeProject();
  for (const file of ['b.csv', 'a.csv'])
    await call('PUT', `/v1/projects/${name}/files/${file}`, { payload: content });
  const { body } = await call<Page<FileView>>('GET', `/v1/projects/${name}/files`);
  expect(body.items.map((file) => file.name)).toEqual(['a.csv', 'b.csv']);
});

test('an empty file is a file', async () => {
  const { status, body } = await call<FileView>('PUT', `/v1/projects/${await makeProject()}/files/empty.csv`);
  expect([status, body.bytes, body.sha256]).toEqual([201, 0, digest('').toString('hex')]);
});

test.each([
  ['content-digest', (text: string) => `sha-256=:${digest(text).toString('base64')}:`],
  ['content-digest', (text: string) => `md5=:AAAA:, sha-256=:${digest(text).toString('base64')}:`],
  ['digest', (text: string) => `SHA-256=${digest(text).toString('base64')}`],
])('content is checked against its %s', async (header, write) => {
  const url = `/v1/projects/${await makeProject()}/files/numbers.csv`;
  const wrong = await call('PUT', url, { payload: content, headers: { [header]: write('something else') } });
  expect([wrong.status, wrong.problem.code]).toEqual([400, 'DIGEST_MISMATCH']);
  expect((await call('GET', url)).problem.code).toBe('FILE_UNKNOWN');
  const right = await call('PUT', url, { payload: content, headers: { [header]: write(content) } });
  expect(right.status).toBe(201);
});

test('content is checked against its length', async () => {
  const url = `/v1/projects/${await makeProject()}/files/numbers.csv`;
  const headers = { 'content-length': '9' };
  const { status, problem } = await call('PUT', url, {
    payload: Readable.from([Buffer.from(content)]),
    headers,
  });
  expect([status, problem.code]).toEqual([400, 'LENGTH_MISMATCH']);
});

test.each([
  ['a digest that is none', { 'content-digest': 'sha-256=:short:' }, 400, 'REQUEST_INVALID'],
  ['a part of a file', { 'content-range': 'bytes 0-7/20' }, 400, 'REQUEST_INVALID'],
  ['a compressed body', { 'content-encoding': 'gzip' }, 415, 'MEDIA_TYPE_UNSUPPORTED'],
  ['more than the limit', { 'content-length': String(limits.fileBytes + 1) }, 413, 'BODY_TOO_LARGE'],
])('%s is refused', async (_what, headers, status, code) => {
  const url = `/v1/projects/${await makeProject()}/files/numbers.csv`;
  const answer = await call('PUT', url, { payload: content, headers });
  expect([answer.status, answer.problem.code]).toEqual([status, code]);
});

test.each(['..%2Fescape.csv', '.hidden', 'a%00b.csv', `${'a'.repeat(201)}.csv`])(
  '%s is no name for a file',
  async (name) => {
    const { status, problem } = await call('PUT', `/v1/projects/nobody/files/${name}`, { payload: content });
    expect([status, problem.code]).toEqual([400, 'REQUEST_INVALID']);
  },
);

test('a file for a project that is not there is refused', async () => {
  const { status, problem } = await call('PUT', '/v1/projects/nobody/files/a.csv', { payload: content });
  expect([status, problem.code]).toEqual([404, 'PROJECT_UNKNOWN']);
});

test('an upload whose sender goes away leaves nothing, and the file before it stays', async () => {
  const project = await makeProject();
  const path = `/v1/projects/${project}/files/numbers.csv`;
  await call('PUT', path, { payload: content });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  const sent = request(`${url}${path}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${keys.editor}`, 'content-length': 4_000_000 },
  }).on('error', () => {});
  const { upload } = store.files;
  const failure = new Promise((resolve) => {
    store.files.upload = (input) =>
      upload(input).catch((error) => {
        resolve(error);
        throw error;
      });
  });
  await new Promise((resolve) => sent.write(Buffer.alloc(2_000_000), resolve));
  sent.destroy();
  expect(await failure).toMatchObject({ code: 'LENGTH_MISMATCH' });
  store.files.upload = upload;
  expect((await store.files.get(project, 'numbers.csv')).bytes).toBe(8);
});
