import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, expectTypeOf, test } from 'vitest';
import { readEventStream } from '../../client/event-stream.ts';
import {
  createClient,
  type EventView,
  type GraphRunView,
  GraphrunError,
  type JobView,
  ServerUnreachable,
} from '../../client/index.ts';
import { newName, twoJobs, useApi } from '../api/test-api.ts';

const { app, keys, makeProject, temporal } = await useApi();
const url = await app.listen({ port: 0, host: '127.0.0.1' });
const client = createClient({ url: `${url}/`, apiKey: keys.admin });

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe('against a server', () => {
  test('projects are made, changed, listed and deleted', async () => {
    const name = newName();
    expect(await client.projects.create({ name })).toMatchObject({ name, timezone: 'UTC' });
    expect(await client.projects.update(name, { timezone: 'Asia/Tokyo' })).toMatchObject({
      timezone: 'Asia/Tokyo',
    });
    expect(await client.projects.get(name)).toMatchObject({ timezone: 'Asia/Tokyo' });
    expect((await client.projects.list({ limit: 1 })).items.map((project) => project.name)).toEqual([name]);
    expect(await client.projects.remove(name)).toBeUndefined();
    await expect(client.projects.get(name)).rejects.toMatchObject({ code: 'PROJECT_UNKNOWN', status: 404 });
  });

  test('a graph is pushed, tried dry, and read with its versions', async () => {
    const name = newName();
    await client.projects.create({ name });
    expect(await client.graphs.push(name, twoJobs(name), { dryRun: true })).toMatchObject({ isNew: true });
    await expect(client.graphs.current(name)).rejects.toMatchObject({ code: 'GRAPH_UNKNOWN' });
    expect(await client.graphs.push(name, twoJobs(name))).toMatchObject({ version: 1, isNew: true });
    expect(await client.graphs.current(name)).toMatchObject({ version: 1, definition: twoJobs(name) });
    expect(await collect(client.graphs.allVersions(name))).toMatchObject([{ version: 1, jobs: 2 }]);
  });

  test('runs are started, walked page after page, and read', async () => {
    const name = await makeProject();
    const ids: string[] = [];
    for (let made = 0; made < 3; made += 1) ids.unshift((await client.graphRuns.start(name)).id);
    const walked = await collect(client.graphRuns.all({ project: name }));
    expect(walked.map(({ id }) => id)).toEqual(ids);
    expect(await client.graphRuns.get(ids[0] ?? '')).toMatchObject({ project: name, state: 'PENDING' });
    const run = await client.graphRuns.start(name, { select: ['load'] });
    expectTypeOf(run).toEqualTypeOf<GraphRunView>();
    expect((await client.graphRuns.get(run.id)).jobRuns.map(({ job }) => job)).toEqual(['load']);
  });

  test('jobs are listed, and run alone', async () => {
    const name = await makeProject();
    const jobs = await client.jobs.list(name);
    expectTypeOf(jobs).toEqualTypeOf<JobView[]>();
    expect(jobs.map(({ key }) => key)).toEqual(['load', 'count']);
    const run = await client.jobs.run(name, 'load');
    expect(await client.jobs.get(name, 'load')).toMatchObject({ lastRunId: run.id });
    expect((await collect(client.jobs.allRuns(name, 'load'))).map(({ id }) => id)).toEqual([run.id]);
    expect(await client.jobRuns.get(run.id)).toMatchObject({ job: 'load', graphRunId: null });
    expect(await client.jobRuns.attempts(run.id)).toEqual([]);
  });

  test('runs of graphs and of jobs are cancelled', async () => {
    const name = await makeProject();
    const run = await client.graphRuns.start(name);
    expect(await client.graphRuns.cancel(run.id, { note: 'why' })).toMatchObject({
      id: run.id,
      cancelRequest: { by: 'key:admin', note: 'why' },
    });
    const lone = await client.jobs.run(name, 'load');
    expect(await client.jobRuns.cancel(lone.id)).toMatchObject({ cancelRequest: { note: null } });
    expect(temporal.cancels.slice(-2).map(({ workflowId }) => workflowId)).toEqual([
      run.workflowId,
      `job-run/${lone.id}/1`,
    ]);
  });

  test('runs of graphs are paused and go on', async () => {
    const run = await client.graphRuns.start(await makeProject());
    const paused = await client.graphRuns.pause(run.id, { note: 'why' });
    expect(paused).toMatchObject({ id: run.id, pause: { by: 'key:admin', note: 'why' } });
    expect(await client.graphRuns.unpause(run.id)).toMatchObject({ id: run.id, pause: null });
  });

  test('the feed is read from a number on', async () => {
    const { readTo: after } = await client.events.list({ after: 'latest' });
    const project = await makeProject();
    const page = await client.events.list({ after, project, limit: 1 });
    expect(page).toMatchObject({ items: [{ project, reason: 'created' }], readTo: after + 1 });
    const beyond = client.events.list({ after: after + 1_000 });
    await expect(beyond).rejects.toMatchObject({ code: 'CURSOR_INVALID', data: {} });
  });

  test('the feed is followed until the signal says so', async () => {
    const { readTo: after } = await client.events.list({ after: 'latest' });
    const project = await makeProject();
    const stop = new AbortController();
    const events = client.events.follow({ after, signal: stop.signal });
    const first = await events.next();
    if (first.done) throw new Error('the feed ended');
    expectTypeOf(first.value).toEqualTypeOf<EventView>();
    expect(first.value).toMatchObject({ number: after + 1, project });
    expect((await events.next()).value).toMatchObject({ number: after + 2, type: 'graph' });
    const next = events.next();
    stop.abort(new Error('enough'));
    await expect(next).rejects.toThrow('enough');
    const refused = client.events.follow({ after: after + 1_000 }).next();
    await expect(refused).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
  });

  const text = 'n\n1\n';
  const bytes = new TextEncoder().encode(text);
  const sha256 = createHash('sha256').update(text).digest('hex');
  async function* chunks() {
    for (const byte of bytes) yield Uint8Array.of(byte);
  }

  test.each([
    ['a Blob', () => new Blob([bytes]), {}],
    ['bytes', () => bytes, {}],
    ['a web stream', () => ReadableStream.from(chunks()), { sha256 }],
    ['anything iterable, with its length', () => chunks(), { sha256, bytes: bytes.length }],
  ])('a file is uploaded from %s', async (_what, content, options) => {
    const name = await makeProject();
    const file = await client.files.upload(name, 'numbers 1.csv', content(), options);
    expect(file).toMatchObject({ name: 'numbers 1.csv', bytes: bytes.length, sha256 });
    expect(await client.files.list(name)).toEqual([file]);
    expect(await client.files.get(name, 'numbers 1.csv')).toEqual(file);
  });

  test('an upload that does not match its digest is refused', async () => {
    const upload = client.files.upload(await makeProject(), 'a.csv', new Blob(['other']), { sha256 });
    await expect(upload).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  test('a refusal carries status, code, message and all problems', async () => {
    const name = newName();
    const push = client.graphs.push(name, {
      project: name,
      jobs: { a: { kind: 'nope' }, B: { kind: 'nope' } },
    });
    const error = await push.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(GraphrunError);
    expect(error).toMatchObject({
      status: 422,
      code: 'GRAPH_INVALID',
      message: expect.stringContaining('3 problems'),
    });
    expect((error as GraphrunError).problems.map(({ path }) => path).toSorted()).toEqual([
      '/jobs/B',
      '/jobs/B/kind',
      '/jobs/a/kind',
    ]);
  });

  test('a missing key is a refusal, too', async () => {
    await expect(createClient({ url }).projects.list()).rejects.toMatchObject({
      status: 401,
      code: 'UNAUTHENTICATED',
    });
  });

  test('whether it is ready is an answer either way', async () => {
    expect(await client.ready()).toEqual({ ready: true, checks: { database: 'up', temporal: 'up' } });
    temporal.isAway = true;
    expect(await client.ready()).toEqual({ ready: false, checks: { database: 'up', temporal: 'down' } });
    temporal.isAway = false;
  });
});

describe('without a Graphrun server', () => {
  const answers: Record<string, (end: (status: number, type: string, body: string) => void) => void> = {
    html: (end) => end(200, 'text/html', '<h1>Welcome</h1>'),
    proxy: (end) => end(502, 'text/html', '<h1>Bad gateway</h1>'),
    silent: () => {},
  };
  const other = createServer((request, response) => {
    const [, which = ''] = (request.url ?? '').split('/');
    answers[which]?.((status, type, body) => response.writeHead(status, { 'content-type': type }).end(body));
  });
  const listening = new Promise<number>((resolve) =>
    other.listen(0, '127.0.0.1', () => resolve((other.address() as AddressInfo).port)),
  );
  afterAll(() => {
    other.closeAllConnections();
    other.close();
  });

  test.each([
    ['html', 'sends no JSON'],
    ['proxy', 'status 502'],
    ['silent', 'no answer came in time'],
  ])('%s is told as unreachable: %s', async (which, reason) => {
    const wrong = createClient({ url: `http://127.0.0.1:${await listening}/${which}`, timeoutMs: 200 });
    const error = await wrong.projects.list().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ServerUnreachable);
    expect(String(error)).toContain(reason);
  });

  test('a port where nothing listens is told with what the system says', async () => {
    const gone = createServer();
    const port = await new Promise<number>((resolve) =>
      gone.listen(0, '127.0.0.1', () => resolve((gone.address() as AddressInfo).port)),
    );
    await new Promise((resolve) => gone.close(resolve));
    const nobody = createClient({ url: `http://127.0.0.1:${port}` });
    await expect(nobody.projects.list()).rejects.toThrow(/cannot be reached: .*ECONNREFUSED/);
    const following = nobody.events.follow({ patienceMs: 0 }).next();
    await expect(following).rejects.toThrow(/cannot be reached: .*ECONNREFUSED/);
  });

  test('a stream that falls silent is taken for lost, one in pieces is put together', async () => {
    const pieces = [': hello\nid: 1\n', 'data: {"a":\n', 'data: 1}\n\nid: 2', '\n\n'];
    const body = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const piece = pieces.shift();
        if (piece === undefined) await new Promise(() => {});
        else controller.enqueue(new TextEncoder().encode(piece));
      },
    });
    const messages = readEventStream(body, 50);
    expect((await messages.next()).value).toEqual({ id: '1', data: '{"a":\n1}' });
    expect((await messages.next()).value).toEqual({ id: '2' });
    await expect(messages.next()).rejects.toThrow('nothing came for 50 ms');
  });
});
