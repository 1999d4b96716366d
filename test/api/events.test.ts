import { expect, test } from 'vitest';
import { type EventPage, eventPageSchema } from '../../graph/resources.ts';
import { createStore } from '../../store/index.ts';
import { useDatabases } from '../support/databases.ts';
import { useSql } from '../support/sql.ts';
import { useApi } from './test-api.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
const { call, makeProject } = await useApi({ store });
const sql = await useSql(databaseUrl);

const list = async (query: string) => (await call<EventPage>('GET', `/v1/events?${query}`)).body;
const head = async () => (await list('after=latest')).readTo;

test('the feed tells what happened, in order and page after page', async () => {
  const before = await head();
  const project = await makeProject();
  await call('POST', `/v1/projects/${project}/runs`);
  const first = await list(`after=${before}&limit=2`);
  expect(eventPageSchema.parse(first)).toMatchObject({
    items: [
      { number: before + 1, type: 'project', project, reason: 'created', actor: 'key:editor' },
      { number: before + 2, type: 'graph', project, reason: 'version 1' },
    ],
    nextCursor: String(before + 2),
    readTo: before + 2,
  });
  const second = await list(`cursor=${first.nextCursor}&limit=2`);
  expect(second).toMatchObject({
    items: [{ number: before + 3, type: 'graph_run', state: 'PENDING', epoch: 1 }],
    nextCursor: null,
    readTo: before + 3,
  });
  const graphRun = second.items[0]?.graphRunId;
  expect((await list(`graphRun=${graphRun}`)).items).toEqual(second.items);
  expect((await list(`project=${project}`)).items).toHaveLength(3);
});

test('events that are not kept any more are told as gone, with the oldest that is there', async () => {
  await makeProject();
  const oldest = await head();
  await sql.query('DELETE FROM event WHERE number < $1', [oldest]);
  const { status, problem } = await call('GET', `/v1/events?after=${oldest - 2}`);
  expect([status, problem.code, problem.data]).toEqual([410, 'EVENTS_EXPIRED', { oldest }]);
  expect((await list('')).items.map(({ number }) => number)).toEqual([oldest]);
});

test.each([
  ['after=-1', '/query/after'],
  ['after=soon', '/query/after'],
  ['cursor=abc', '/query/cursor'],
  ['graphRun=1', '/query/graphRun'],
  ['limit=501', '/query/limit'],
])('the query %s is refused at its place', async (query, path) => {
  const { status, problem } = await call('GET', `/v1/events?${query}`);
  expect([status, problem.code, problem.problems?.[0]?.path]).toEqual([400, 'REQUEST_INVALID', path]);
});

test('a number that the feed never gave is refused', async () => {
  const { status, problem } = await call('GET', '/v1/events?after=999999');
  expect([status, problem.code]).toEqual([400, 'CURSOR_INVALID']);
});
