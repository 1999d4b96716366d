import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type Client, createClient } from '../../client/index.ts';
import { newName, useApi } from '../api/test-api.ts';

const { app, keys, makeProject, store } = await useApi();
const url = await app.listen({ port: 0, host: '127.0.0.1' });

/** Each of the client's POSTs. */
const posts: readonly (readonly [string, (client: Client, idempotencyKey?: string) => Promise<unknown>])[] = [
  ['graphRuns.start', (client, idempotencyKey) => client.graphRuns.start('p', { idempotencyKey })],
  ['jobs.run', (client, idempotencyKey) => client.jobs.run('p', 'a', { idempotencyKey })],
  ['projects.create', (client, idempotencyKey) => client.projects.create({ name: 'p' }, { idempotencyKey })],
];

describe('where answers are lost', () => {
  test('a run is started once', async () => {
    const project = await makeProject();
    let lost = 0;
    const losing = createClient({
      url,
      apiKey: keys.editor,
      fetch: async (...request) => {
        const response = await fetch(...request);
        if (lost >= 2) return response;
        lost += 1;
        throw new TypeError('fetch failed');
      },
    });
    const run = await losing.graphRuns.start(project, { select: ['load'] });
    expect(lost).toBe(2);
    const { items } = await store.graphRuns.list({ project }, { limit: 10 });
    expect(items.map(({ id, select }) => [id, select])).toEqual([[run.id, ['load']]]);
  });

  test('a project is made once, and its repeat is no conflict', async () => {
    const name = newName();
    let isFirst = true;
    const losing = createClient({
      url,
      apiKey: keys.editor,
      fetch: async (...request) => {
        const response = await fetch(...request);
        if (!isFirst) return response;
        isFirst = false;
        return new Response('', { status: 502 });
      },
    });
    expect(await losing.projects.create({ name })).toMatchObject({ name });
  });

  test("a caller's own key makes one run of two calls", async () => {
    const project = await makeProject();
    const client = createClient({ url, apiKey: keys.editor });
    const first = await client.graphRuns.start(project, { idempotencyKey: 'mine' });
    expect(await client.graphRuns.start(project, { idempotencyKey: 'mine' })).toEqual(first);
    const other = await client.graphRuns.start(project);
    expect(other.id).not.toBe(first.id);
  });
});

describe('against a server that is away for a moment', () => {
  /** What it does with the next requests; after these it answers. */
  let ails: ((response: ServerResponse) => void)[] = [];
  let seen: { method: string | undefined; key: string | undefined; at: number }[] = [];
  const server = createServer((request, response) => {
    const key = request.headers['idempotency-key'];
    seen.push({ method: request.method, key: key?.toString(), at: performance.now() });
    const ail = ails.shift();
    if (ail) ail(response);
    else response.writeHead(201, { 'content-type': 'application/json' }).end('{}');
  });
  const listening = new Promise<string>((resolve) =>
    server.listen(0, '127.0.0.1', () =>
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    ),
  );
  beforeEach(() => {
    ails = [];
    seen = [];
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const client = async () => createClient({ url: await listening, timeoutMs: 300 });
  const hangUp: (typeof ails)[number] = (response) => response.destroy();
  const silence = () => {};
  const refuse = (status: number, code: string, headers = {}): (typeof ails)[number] => {
    const body = JSON.stringify({ type: 'about:blank', title: '', status, code, detail: code });
    return (response) =>
      response.writeHead(status, { 'content-type': 'application/problem+json', ...headers }).end(body);
  };

  test.each(posts)('%s is sent again with the same key', async (_name, post) => {
    ails = [hangUp, refuse(503, 'STORE_UNAVAILABLE')];
    await post(await client());
    expect(seen).toHaveLength(3);
    expect(seen[0]?.key).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(seen.map(({ key }) => key)).size).toBe(1);
    await post(await client());
    expect(seen[3]?.key).not.toBe(seen[0]?.key);
  });

  test.each(posts)('%s takes a key of the caller', async (_name, post) => {
    ails = [hangUp];
    await post(await client(), 'mine');
    expect(seen.map(({ key }) => key)).toEqual(['mine', 'mine']);
  });

  test('the third failure is told', async () => {
    ails = [hangUp, hangUp, refuse(503, 'SHUTTING_DOWN')];
    await expect((await client()).graphRuns.start('p')).rejects.toMatchObject({
      status: 503,
      code: 'SHUTTING_DOWN',
    });
    expect(seen).toHaveLength(3);
  });

  test('it waits for as long as the server asks', async () => {
    ails = [refuse(503, 'STORE_UNAVAILABLE', { 'retry-after': '1' })];
    await (await client()).graphRuns.start('p');
    const [first, second] = seen;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(990);
  });

  test('a refusal is told at once', async () => {
    ails = [refuse(422, 'IDEMPOTENCY_KEY_REUSED')];
    await expect((await client()).graphRuns.start('p', { idempotencyKey: 'used' })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
    expect(seen).toHaveLength(1);
  });

  test('a time that has run out is told at once', async () => {
    ails = [silence];
    await expect((await client()).graphRuns.start('p')).rejects.toThrow('no answer came in time');
    expect(seen).toHaveLength(1);
  });

  test('requests of other methods have no key, and are sent once', async () => {
    ails = [hangUp, hangUp];
    const { projects, graphs } = await client();
    await expect(projects.get('p')).rejects.toThrow('cannot be reached');
    await expect(graphs.push('p', {})).rejects.toThrow('cannot be reached');
    expect(seen.map(({ method, key }) => [method, key])).toEqual([
      ['GET', undefined],
      ['PUT', undefined],
    ]);
  });
});
