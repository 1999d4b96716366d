import { Agent, request } from 'node:http';
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import { createApp } from '../../api/app.ts';
import { problemSchema } from '../../graph/resources.ts';
import { createKinds } from '../../jobs/index.ts';
import { createStore, type Store } from '../../store/index.ts';
import { fakeInspector, fakeStarter, useApi } from './test-api.ts';

const { app, call, keys, makeProject, store } = await useApi();
const authorization = `Bearer ${keys.editor}`;
const json = { 'content-type': 'application/json' };

/** An app of its own over a store of which a part was replaced, with its log. */
async function otherApp(parts: Partial<Store>, requestsPerSecondMax = 600) {
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(line) });
  const temporal = fakeStarter();
  const other = await createApp({
    inspector: fakeInspector,
    store: { ...store, ...parts },
    temporal,
    kinds: createKinds(),
    logger,
    requestsPerSecondMax,
  });
  afterAll(() => other.close());
  return { other, lines, temporal };
}

test('a body with more problems than a stack can carry is refused like any other', async () => {
  const name = await makeProject();
  const payload = { select: Array(400_000).fill(1) };
  const started = await call('POST', `/v1/projects/${name}/runs`, { payload });
  expect([started.status, started.problem.code]).toEqual([400, 'REQUEST_INVALID']);
  const load = { kind: 'upload', config: { file: 'a.csv' }, dependsOn: Array(1_500_000).fill(1) };
  const pushed = await call('PUT', `/v1/projects/${name}/graph`, {
    payload: { project: name, jobs: { load } },
  });
  expect([pushed.status, pushed.problem.problems]).toEqual([
    422,
    [expect.objectContaining({ code: 'LIMIT_EXCEEDED', path: '/jobs/load/dependsOn' })],
  ]);
});

test.each([
  ['{"name":', 'JSON_INVALID'],
  ['', 'REQUEST_INVALID'],
  ['[]', 'REQUEST_INVALID'],
  ['{"name":"ok-name","name":"ok-name"}', 'REQUEST_INVALID'],
  ['{"name":"ok-name","__proto__":{}}', 'REQUEST_INVALID'],
  ['{"name":"Not A Name"}', 'REQUEST_INVALID'],
  ['{"name":"public"}', 'REQUEST_INVALID'],
  ['{"name":"ok-name","timezone":"Mars/Base"}', 'REQUEST_INVALID'],
  [`${'['.repeat(900_000)}`, 'JSON_INVALID'],
  [`${'['.repeat(400_000)}${']'.repeat(400_000)}`, 'JSON_INVALID'],
])('the body %.40s is refused as %s', async (payload, code) => {
  const { status, problem } = await call('POST', '/v1/projects', { headers: json, payload });
  expect([status, problem.code]).toEqual([400, code]);
});

test('a body that is not UTF-8 is refused', async () => {
  const payload = Buffer.from('{"name":"caf\xe9"}', 'latin1');
  const { status, problem } = await call('POST', '/v1/projects', { headers: json, payload });
  expect([status, problem.code]).toEqual([400, 'JSON_INVALID']);
});

test('every error is a problem of RFC 9457, with all that is wrong and where', async () => {
  const payload = { name: 'X', timezone: 'Y', state: 'SUCCESS' };
  const { headers, problem } = await call('POST', '/v1/projects', { payload });
  expect(headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect(problemSchema.strict().parse(problem)).toMatchObject({
    type: 'about:blank',
    status: 400,
    code: 'REQUEST_INVALID',
  });
  expect(problem.problems?.map(({ path }) => path)).toEqual(['/name', '/timezone', '']);
});

test.each([
  ['GET', '/'],
  ['GET', '/v1/nothing'],
  ['POST', '/v1/graph-runs'],
] as const)('%s %s is no route', async (method, url) => {
  const { status, problem } = await call(method, url);
  expect([status, problem.code]).toEqual([404, 'ROUTE_UNKNOWN']);
});

test.each(['/v1/projects/%zz', `/v1/projects/${'a'.repeat(1_001)}`])(
  'the path %.30s is refused',
  async (url) => {
    const { status, problem } = await call('GET', url);
    expect([status, problem.code]).toEqual([400, 'REQUEST_INVALID']);
  },
);

test.each(['text/plain', 'application/xml', 'nonsense'])('a body of type %s is not read', async (type) => {
  const { status, problem } = await call('POST', '/v1/projects', {
    headers: { 'content-type': type },
    payload: '{}',
  });
  expect([status, problem.code]).toEqual([415, 'MEDIA_TYPE_UNSUPPORTED']);
});

test('a body over the limit is refused, telling the limit', async () => {
  const payload = JSON.stringify({ name: 'x'.repeat(1024 * 1024) });
  const { status, problem } = await call('POST', '/v1/projects', { headers: json, payload });
  expect([status, problem.code]).toEqual([413, 'BODY_TOO_LARGE']);
  expect(problem.detail).toContain('1048576 bytes');
});

test('a body that is shorter than announced is refused', async () => {
  const headers = { ...json, 'content-length': '100' };
  const { status, problem } = await call('POST', '/v1/projects', { headers, payload: '{"name":"abc"}' });
  expect([status, problem.code]).toEqual([400, 'LENGTH_MISMATCH']);
});

test('a bug is answered with nothing of its insides, and logged with them, but never with a key', async () => {
  const list = () => Promise.reject(new TypeError('password=hunter2 is undefined'));
  const { other, lines } = await otherApp({ projects: { ...store.projects, list } });
  const response = await other.inject({ url: '/v1/projects', headers: { authorization } });
  expect([response.statusCode, response.json().code]).toEqual([500, 'INTERNAL']);
  expect(response.payload).not.toContain('hunter2');
  const logged = lines.map((line) => JSON.parse(line));
  const failure = logged.find((line) => line.level === 50);
  expect(failure.err.stack).toContain('hunter2');
  expect(response.json().detail).toContain(failure.reqId);
  expect(logged).toContainEqual(
    expect.objectContaining({ msg: 'request', status: 500, code: 'INTERNAL', actor: 'key:editor' }),
  );
  expect(lines.join('')).not.toContain(keys.editor);
});

test('a reply that is not what its schema says is a bug of ours', async () => {
  const list = () => Promise.resolve({ items: [{ name: 'x' }], nextCursor: null } as never);
  const { other } = await otherApp({ projects: { ...store.projects, list } });
  const response = await other.inject({ url: '/v1/projects', headers: { authorization } });
  expect([response.statusCode, response.json().code]).toEqual([500, 'INTERNAL']);
});

test('while the database is away, the answer is to try again', async () => {
  const away = createStore({ databaseUrl: 'postgres://nobody:secret@127.0.0.1:9/none' });
  afterAll(() => away.close());
  const { other } = await otherApp(away);
  const response = await other.inject({ url: '/v1/projects', headers: { authorization } });
  expect([response.statusCode, response.json().code]).toEqual([503, 'STORE_UNAVAILABLE']);
  expect(response.headers['retry-after']).toBe('5');
  expect(response.payload).not.toContain('secret');
});

test('more requests than a second allows are turned away, telling when to come again', async () => {
  const { other } = await otherApp({}, 2);
  const send = () => other.inject({ url: '/v1/projects', headers: { authorization } });
  const answers = [await send(), await send(), await send()];
  expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 429]);
  expect(answers[2]?.json().code).toBe('RATE_LIMITED');
  expect(Number(answers[2]?.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  const admin = await other.inject({
    url: '/v1/projects',
    headers: { authorization: `Bearer ${keys.admin}` },
  });
  expect(admin.statusCode).toBe(200);
});

test('keys cannot be guessed without end, and those that are right go on to work from elsewhere', async () => {
  let looked = 0;
  const authenticate = async () => {
    looked += 1;
    return undefined;
  };
  const { other } = await otherApp({ apiKeys: { ...store.apiKeys, authenticate } });
  const guess = (remoteAddress: string) =>
    other.inject({ url: '/v1/projects', headers: { authorization: 'Bearer guess' }, remoteAddress });
  for (let guesses = 0; guesses < 100; guesses += 1) expect((await guess('192.0.2.1')).statusCode).toBe(401);
  const refused = await guess('192.0.2.1');
  expect([refused.statusCode, refused.json().code, looked]).toEqual([429, 'RATE_LIMITED', 100]);
  expect((await guess('192.0.2.2')).statusCode).toBe(401);
});

test('while the server stops, what is under way ends and what is new is told to come again', async () => {
  const waiting = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  const list: Store['projects']['list'] = async (page) => {
    entered.resolve();
    await waiting.promise;
    return store.projects.list(page);
  };
  const { other } = await otherApp({ projects: { ...store.projects, list } });
  const closing = Promise.withResolvers<void>();
  const url = await other.listen({ port: 0, host: '127.0.0.1' });
  const agent = new Agent({ keepAlive: true });
  const get = (path: string) =>
    new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      const sent = request(`${url}${path}`, { agent, headers: { authorization } });
      sent.on('response', async (response) => {
        const body = (await response.toArray()).join('');
        resolve({ status: response.statusCode, body });
      });
      sent.on('error', reject).end();
    });

  // Two connections, kept open; one of them is busy when the server begins to stop.
  const underWay = get('/v1/projects?limit=1');
  await entered.promise;
  await get('/health/live');
  other.server.closeIdleConnections = () => closing.resolve();
  const closed = other.close();
  await closing.promise;
  const late = await get('/health/live');
  expect([late.status, JSON.parse(late.body).code]).toEqual([503, 'SHUTTING_DOWN']);
  waiting.resolve();
  expect((await underWay).status).toBe(200);
  agent.destroy();
  await closed;
});

test('an id of another kind is unknown, not an error', async () => {
  await makeProject();
  const { status } = await call('GET', '/v1/graph-runs/%00');
  expect(status).toBe(404);
  expect((await app.inject('/health/live')).statusCode).toBe(200);
});
