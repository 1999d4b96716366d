import { describe, expect, test } from 'vitest';
import { createStore } from '../../store/index.ts';
import { carryOut } from '../cli/use-cli.ts';
import { useDatabases } from '../support/databases.ts';
import { useSql } from '../support/sql.ts';
import { useTcpProxy } from '../support/tcp-proxy.ts';
import { postTo } from './post-to.ts';
import { newName, useApi } from './test-api.ts';

const { databaseUrl } = await useDatabases();
const postgres = await useTcpProxy(databaseUrl);
const sql = await useSql(databaseUrl);
const { app, keys, makeProject, store, temporal } = await useApi({
  store: createStore({ databaseUrl: postgres.url }),
});

const post = postTo(app, keys);

async function runsOf(project: string): Promise<string[]> {
  return (await store.graphRuns.list({ project }, { limit: 100 })).items.map(({ id }) => id);
}

async function keptKeys(key: string): Promise<number> {
  return (await sql.query('SELECT FROM idempotency_key WHERE key = $1', [key])).length;
}

test('twenty requests with one key at once make one run, and get one answer', async () => {
  const name = await makeProject();
  const sent = Array.from({ length: 20 }, () => post(`/v1/projects/${name}/runs`, { key: 'storm' }));
  const answers = await Promise.all(sent);
  const [id] = await runsOf(name);
  expect(await runsOf(name)).toHaveLength(1);
  expect(new Set(answers.map(({ answer }) => JSON.stringify(answer))).size).toBe(1);
  expect(answers[0]?.answer).toMatchObject({ status: 201, location: `/v1/graph-runs/${id}` });
  expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
  expect(temporal.graphRuns.filter((run) => run.project === name)).toHaveLength(1);
});

test('a repeat gets the first answer also after the run has ended', async () => {
  const name = await makeProject();
  const first = await post(`/v1/projects/${name}/runs`, { key: 'ended' });
  const { id, workflowId } = JSON.parse(first.answer.body);
  const success = { state: 'SUCCESS', reason: null } as const;
  await carryOut(store, { id, workflowId, project: name }, { load: success, count: success });
  expect((await store.graphRuns.get(id)).state).toBe('SUCCESS');
  const again = await post(`/v1/projects/${name}/runs`, { key: 'ended' });
  expect([first.replayed, again.replayed]).toEqual([false, true]);
  expect(again.answer).toEqual(first.answer);
});

test('without a key every request makes a run', async () => {
  const name = await makeProject();
  const before = await sql.query('SELECT FROM idempotency_key');
  await post(`/v1/projects/${name}/runs`);
  await post(`/v1/projects/${name}/runs`);
  expect(await runsOf(name)).toHaveLength(2);
  expect(await sql.query('SELECT FROM idempotency_key')).toHaveLength(before.length);
});

test('the order of keys and the spaces of a body make no other request', async () => {
  const name = await makeProject();
  const url = `/v1/projects/${name}/runs`;
  const first = await post(url, { key: 'order', payload: '{"params":{},"select":["load"]}' });
  const again = await post(url, { key: 'order', payload: '{ "select": [ "load" ], "params": {} }' });
  expect([again.replayed, again.answer]).toEqual([true, first.answer]);
});

test('a key that was used for another body or route is refused, and nothing is done', async () => {
  const name = await makeProject();
  const first = await post(`/v1/projects/${name}/runs`, { key: 'reused', payload: { select: ['load'] } });
  for (const [url, payload] of [
    [`/v1/projects/${name}/runs`, { select: ['count'] }],
    [`/v1/projects/${name}/runs`, undefined],
    [`/v1/projects/${await makeProject()}/runs`, { select: ['load'] }],
    ['/v1/projects', { name: newName() }],
  ] as const) {
    const { status, code } = await post(url, { key: 'reused', ...(payload && { payload }) });
    expect([status, code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  }
  expect(await runsOf(name)).toHaveLength(1);
  const again = await post(`/v1/projects/${name}/runs`, { key: 'reused', payload: { select: ['load'] } });
  expect([again.replayed, again.answer]).toEqual([true, first.answer]);
});

test("the same key of another API key is another's", async () => {
  const name = await makeProject();
  const first = await post(`/v1/projects/${name}/runs`, { key: 'shared', role: 'editor' });
  const other = await post(`/v1/projects/${name}/runs`, { key: 'shared', role: 'admin' });
  expect([other.status, other.replayed]).toEqual([201, false]);
  expect(other.answer.location).not.toBe(first.answer.location);
});

test('a request that is refused keeps nothing: its key may be used with a mended body', async () => {
  const name = await makeProject();
  const url = `/v1/projects/${name}/runs`;
  for (const [payload, status] of [
    [{ params: { year: 2001 } }, 422],
    [{ select: ['cuont'] }, 422],
    [{ selct: [] }, 400],
  ] as const) {
    expect((await post(url, { key: 'mended', payload })).status).toBe(status);
  }
  expect((await post(url, { key: 'mended', role: 'viewer' })).status).toBe(403);
  expect(await keptKeys('mended')).toBe(0);
  const mended = await post(url, { key: 'mended', payload: { select: ['count'] } });
  expect([mended.status, mended.replayed]).toEqual([201, false]);
});

test('while Temporal is away the answer is the same, and the repeat starts nothing again', async () => {
  const name = await makeProject();
  temporal.isAway = true;
  const first = await post(`/v1/projects/${name}/runs`, { key: 'away' });
  temporal.isAway = false;
  const again = await post(`/v1/projects/${name}/runs`, { key: 'away' });
  expect([first.status, again.replayed, again.answer]).toEqual([201, true, first.answer]);
  expect(temporal.graphRuns.filter((run) => run.project === name)).toEqual([]);
  const unstarted = await store.graphRuns.unstarted(new Date(Date.now() + 60_000), 100);
  expect(unstarted.map(({ id }) => id)).toEqual(expect.arrayContaining(await runsOf(name)));
});

test('an answer is replayed as it was sent, also where this version would send another', async () => {
  const name = await makeProject();
  await post(`/v1/projects/${name}/runs`, { key: 'older' });
  await sql.query(`UPDATE idempotency_key SET answer = '{"id":"as it was"}' WHERE key = 'older'`);
  const again = await post(`/v1/projects/${name}/runs`, { key: 'older' });
  expect([again.status, again.answer.body]).toEqual([201, '{"id":"as it was"}']);
});

describe('what dies on the way', () => {
  const later = () => new Date(Date.now() + 60_000);

  test('the caller and the process, after the commit: the repeat gets the answer, and the run is still to start', async () => {
    const name = await makeProject();
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    const headers = { authorization: `Bearer ${keys.editor}`, 'idempotency-key': 'killed' };
    const caller = new AbortController();
    const { startGraphRun } = temporal;
    temporal.startGraphRun = async () => {
      caller.abort();
      throw new Error('killed');
    };
    const sent = fetch(`${url}/v1/projects/${name}/runs`, { method: 'POST', headers, signal: caller.signal });
    await expect(sent).rejects.toThrow('aborted');
    temporal.startGraphRun = startGraphRun;
    const again = await post(`/v1/projects/${name}/runs`, { key: 'killed' });
    const [id, ...others] = await runsOf(name);
    expect([again.replayed, again.answer.location, others]).toEqual([true, `/v1/graph-runs/${id}`, []]);
    expect((await store.graphRuns.unstarted(later(), 100)).map((run) => run.id)).toContain(id);
  });

  test('the answer to COMMIT: 503, and the repeat finds what was committed', async () => {
    const name = await makeProject();
    postgres.loseAnswerTo('COMMIT');
    const first = await post(`/v1/projects/${name}/runs`, { key: 'commit' });
    expect([first.status, first.code, first.headers['retry-after']]).toEqual([503, 'STORE_UNAVAILABLE', '5']);
    const again = await post(`/v1/projects/${name}/runs`, { key: 'commit' });
    expect([again.status, again.replayed, await runsOf(name)]).toEqual([
      201,
      true,
      [JSON.parse(again.answer.body).id],
    ]);
  });

  test.each([
    'INSERT INTO idempotency_key',
    'INSERT INTO job_run',
    'UPDATE idempotency_key',
    'event_counter',
  ])('the connection at %s: 503, and the key is free', async (statement) => {
    const name = await makeProject();
    postgres.loseAnswerTo(statement);
    const first = await post(`/v1/projects/${name}/runs`, { key: statement.replaceAll(' ', '-') });
    expect([first.status, await runsOf(name)]).toEqual([503, []]);
    const again = await post(`/v1/projects/${name}/runs`, { key: statement.replaceAll(' ', '-') });
    expect([again.status, again.replayed, await runsOf(name)]).toEqual([
      201,
      false,
      [JSON.parse(again.answer.body).id],
    ]);
  });

  test('Postgres: 503 with Retry-After, nothing is kept, and the same key works afterwards', async () => {
    const name = await makeProject();
    postgres.cut();
    const away = await post(`/v1/projects/${name}/runs`, { key: 'no-postgres' });
    postgres.restore();
    expect([away.status, away.code, away.headers['retry-after']]).toEqual([503, 'STORE_UNAVAILABLE', '5']);
    expect(await keptKeys('no-postgres')).toBe(0);
    const again = await post(`/v1/projects/${name}/runs`, { key: 'no-postgres' });
    expect([again.status, again.replayed, (await runsOf(name)).length]).toEqual([201, false, 1]);
  });
});

test.each([
  ['empty', ''],
  ['too long', 'x'.repeat(256)],
  ['not ASCII', 'schlüssel'],
  ['with a space', 'a key'],
  ['with a control character', 'a\tkey'],
])('a key that is %s is refused at its place', async (_what, key) => {
  const name = await makeProject();
  const { status, answer } = await post(`/v1/projects/${name}/runs`, { key });
  expect([status, JSON.parse(answer.body)]).toMatchObject([
    400,
    { code: 'REQUEST_INVALID', problems: [{ path: '/headers/idempotency-key' }] },
  ]);
  expect(await runsOf(name)).toEqual([]);
});

test('a key may have 255 of any visible ASCII characters', async () => {
  const name = await makeProject();
  const visible = String.fromCharCode(...Array.from({ length: 94 }, (_, place) => 0x21 + place));
  const key = visible.repeat(3).slice(0, 255);
  expect((await post(`/v1/projects/${name}/runs`, { key })).status).toBe(201);
  expect((await post(`/v1/projects/${name}/runs`, { key })).replayed).toBe(true);
});
