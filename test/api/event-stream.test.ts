import { once } from 'node:events';
import { afterAll, describe, expect, test } from 'vitest';
import { createApp } from '../../api/app.ts';
import { openEventStream } from '../../api/event-stream.ts';
import { createEventTail } from '../../api/event-tail.ts';
import { readEventStream } from '../../client/event-stream.ts';
import { createClient } from '../../client/index.ts';
import { CodedError } from '../../graph/errors.ts';
import type { EventPage, EventView, ProblemView } from '../../graph/resources.ts';
import { createKinds } from '../../jobs/index.ts';
import type { EventQuery } from '../../store/event-feed.ts';
import { createStore } from '../../store/index.ts';
import { useDatabases } from '../support/databases.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';
import { fakeInspector, fakeStarter, newName, useApi } from './test-api.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
const { app, call, keys, makeProject } = await useApi({ store });
const sql = await useSql(databaseUrl);
const url = await app.listen({ port: 0, host: '127.0.0.1' });
const client = createClient({ url, apiKey: keys.viewer });
const authorization = `Bearer ${keys.viewer}`;

const anEvent: EventView = {
  number: 0,
  at: '2026-01-01T00:00:00.000Z',
  type: 'project',
  project: 'p',
  graphRunId: null,
  jobRunId: null,
  job: null,
  state: null,
  reason: 'created',
  epoch: null,
  attempt: null,
  actor: 'test',
  note: null,
  schedule: null,
  backfillId: null,
};
const head = async () => (await client.events.list({ after: 'latest' })).readTo;
const numbersOf = (events: readonly EventView[]) => events.map(({ number }) => number);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const makeProjects = async (count: number) => {
  for (let made = 0; made < count; made += 1)
    await store.projects.create({ name: newName(), timezone: 'UTC', actor: 'test' });
};

/** Messages of a stream, until it ends or so many have come. */
async function take(query: string, count: number, headers: Readonly<Record<string, string>> = {}) {
  const response = await fetch(`${url}/v1/events/stream?${query}`, {
    headers: { authorization, ...headers },
  });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  expect(response.headers.get('cache-control')).toBe('no-store');
  const messages: { id?: string; data?: string }[] = [];
  if (!response.body) throw new Error('the stream has no body');
  for await (const message of readEventStream(response.body, 10_000)) {
    messages.push(message);
    if (messages.length === count) break;
  }
  return messages;
}

describe('a stream', () => {
  test('begins with where it stands, sends what came before, then what comes', async () => {
    const after = await head();
    await makeProjects(1);
    const taking = take(`after=${after}`, 3);
    await makeProjects(1);
    const [begin, first, second] = await taking;
    expect(begin).toEqual({ id: String(after) });
    expect([first?.id, second?.id]).toEqual([String(after + 1), String(after + 2)]);
    expect(JSON.parse(first?.data ?? '')).toMatchObject({ number: after + 1, type: 'project' });
  });

  test('goes on after Last-Event-ID, whatever the query said when it began', async () => {
    const after = await head();
    await makeProjects(2);
    const messages = await take('after=0', 2, { 'last-event-id': String(after + 1) });
    expect(messages.map(({ id }) => id)).toEqual([String(after + 1), String(after + 2)]);
  });

  test.each([
    ['after=999999', {}, [400, 'CURSOR_INVALID']],
    ['after=soon', {}, [400, 'REQUEST_INVALID']],
    ['', { 'last-event-id': 'x' }, [400, 'REQUEST_INVALID']],
  ])('that cannot be is refused before it begins: %s %o', async (query, headers, expected) => {
    const response = await fetch(`${url}/v1/events/stream?${query}`, {
      headers: { authorization, ...headers },
    });
    expect([response.status, ((await response.json()) as ProblemView).code]).toEqual(expected);
  });

  test('whose events are not kept any more is refused as gone', async () => {
    await makeProjects(2);
    const oldest = await head();
    await sql.query('DELETE FROM event WHERE number < $1', [oldest]);
    const following = client.events.follow({ after: oldest - 2 }).next();
    await expect(following).rejects.toMatchObject({ code: 'EVENTS_EXPIRED', data: { oldest } });
  });

  test('ends when the server stops, and is taken up without a gap by the next one', async () => {
    const make = () =>
      createApp({ store, temporal: fakeStarter(), kinds: createKinds(), inspector: fakeInspector });
    const first = await make();
    const otherUrl = await first.listen({ port: 0, host: '127.0.0.1' });
    const { port } = new URL(otherUrl);
    const after = await head();
    const events = createClient({ url: otherUrl, apiKey: keys.viewer }).events.follow({ after });
    await makeProjects(1);
    const seen = [(await events.next()).value];
    await first.close();
    await makeProjects(2);
    const second = await make();
    afterAll(() => second.close());
    await second.listen({ port: Number(port), host: '127.0.0.1' });
    for (let more = 0; more < 2; more += 1) seen.push((await events.next()).value);
    await events.return();
    expect(seen.map((event) => event?.number)).toEqual(range(after + 1, after + 3));
  });
});

describe('followers', () => {
  test('each see every event of theirs once, while many write', async () => {
    const project = await makeProject();
    const after = await head();
    const follow = async (filter: { project?: string }) => {
      const seen: EventView[] = [];
      for await (const event of client.events.follow({ after, ...filter })) {
        seen.push(event);
        if (event.type === 'graph') break;
      }
      return seen;
    };
    const following = Promise.all([{}, {}, { project }].map(follow));
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let round = 0; round < 15; round += 1) {
        if (writer % 2) await makeProjects(1);
        else await store.graphRuns.create({ project, params: {}, select: null, actor: 'test' });
      }
    });
    await Promise.all(writers);
    const jobs = { load: { kind: 'upload', config: { file: 'other.csv' } } };
    await call('PUT', `/v1/projects/${project}/graph`, { payload: { project, jobs } });
    const [all = [], again, ofProject] = await following;
    expect(numbersOf(all)).toEqual(range(after + 1, after + 121));
    expect(again).toEqual(all);
    expect(ofProject).toEqual(all.filter((event) => event.project === project));
    expect(ofProject).toHaveLength(61);
  });

  test('share one look at the feed, and are let go when they leave', async () => {
    let looks = 0;
    const tail = tailOver((query) => {
      looks += 1;
      return store.events.list(query);
    });
    const after = await head();
    const leaving = new AbortController();
    const pages = Array.from({ length: 50 }, () => tail.follow(after, {}, leaving.signal));
    const coming = Promise.all(pages.map((each) => each.next()));
    await until(() => (looks > 50 ? true : undefined), 'all follow');
    await makeProjects(1);
    const came = await coming;
    for (const { value } of came) expect(numbersOf(value?.items ?? [])).toEqual([after + 1]);
    const before = looks;
    await makeProjects(1);
    for (const each of pages) expect((await each.next()).value?.readTo).toBe(after + 2);
    expect(looks - before).toBeLessThan(10);
    const waiting = pages.map((each) => each.next().catch((error: Error) => error.name));
    leaving.abort();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['AbortError']));
  });

  test('wait while the database is away, and miss nothing', async () => {
    const errors: unknown[] = [];
    let isAway = false;
    const tail = tailOver((query) => {
      if (isAway) throw new CodedError('STORE_UNAVAILABLE', 'away');
      return store.events.list(query);
    }, errors);
    const after = await head();
    const pages = tail.follow(after, {}, AbortSignal.timeout(20_000));
    await makeProjects(1);
    expect((await pages.next()).value?.readTo).toBe(after + 1);
    const next = pages.next();
    isAway = true;
    await until(() => errors[1], 'the tail has met the outage twice');
    await makeProjects(2);
    isAway = false;
    expect((await next).value).toMatchObject({ items: [{ number: after + 2 }, { number: after + 3 }] });
    await pages.return(undefined);
  });

  test('are sent away where the feed has become another one', async () => {
    let last = await head();
    const tail = tailOver(async (query) => {
      if (query.after !== 'latest' && query.after > last) throw new CodedError('CURSOR_INVALID', 'beyond');
      return { items: [], nextCursor: null, readTo: last };
    });
    const next = tail.follow(last, {}, AbortSignal.timeout(20_000)).next();
    last -= 1;
    await expect(next).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
  });
});

function tailOver(list: (query: EventQuery) => Promise<EventPage>, errors: unknown[] = []) {
  return createEventTail({
    events: { list: async (query) => list(query) },
    onError: (error) => errors.push(error),
    everyMs: 5,
  });
}

describe('the text of a stream', () => {
  const page = (from: number, to: number): EventPage => ({
    items: range(from, to).map((number) => ({ ...anEvent, number })),
    nextCursor: null,
    readTo: to,
  });

  test('tells with its beat how far the feed was read, where a filter lets nothing through', async () => {
    const { body, end } = openEventStream({
      after: 5,
      beatMs: 10,
      onError: () => {},
      async *follow(signal) {
        yield { items: [], nextCursor: null, readTo: 9 };
        await once(signal, 'abort');
      },
    });
    let text = '';
    for await (const chunk of body) {
      text += String(chunk);
      if (text.includes('id: 9')) end();
    }
    expect(text).toMatch(/^retry: 1000\nid: 5\n\n(: still here\nid: 9\n\n)+$/);
  });

  test('does not grow for a reader that takes nothing, who is cut off', async () => {
    const errors: unknown[] = [];
    let asked = 0;
    const { body } = openEventStream({
      after: 0,
      beatMs: 1,
      takeWithinMs: 50,
      onError: (error) => errors.push(error),
      async *follow() {
        for (;;) {
          asked += 1;
          yield page(asked * 200, asked * 200 + 199);
        }
      },
    });
    await once(body, 'close');
    expect(errors).toHaveLength(1);
    expect(asked).toBeLessThanOrEqual(3);
  });

  test('ends at once for a server that stops, also when its reader takes nothing', async () => {
    const { body, end } = openEventStream({
      after: 0,
      onError: () => {},
      follow: async function* () {
        for (let number = 1; ; number += 200) yield page(number, number + 199);
      },
    });
    const closed = once(body, 'close');
    await until(() => (body.readableLength > 10_000 ? true : undefined), 'a page waits to be taken');
    end();
    await closed;
  });
});
