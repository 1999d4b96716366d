import { describe, expect, test } from 'vitest';
import type { EventPage, GraphRunView, Page, ProjectView } from '../../graph/resources.ts';
import type { SchedulePreview, ScheduleView } from '../../graph/schedules/resources.ts';
import { createStore } from '../../store/index.ts';
import { useDatabases } from '../support/databases.ts';
import { useSql } from '../support/sql.ts';
import { useApi } from './test-api.ts';

const { databaseUrl } = await useDatabases();
const { call, makeProject, temporal } = await useApi({ store: createStore({ databaseUrl }) });
const sql = await useSql(databaseUrl);

const nightly = { name: 'nightly', cron: '30 2 * * *', timezone: 'Europe/Berlin' };

async function makeSchedule(schedule: object = nightly) {
  const project = await makeProject();
  const url = `/v1/projects/${project}/schedules`;
  const made = await call<ScheduleView>('POST', url, { payload: schedule });
  return { project, url: `${url}/${made.body.name}`, ...made };
}

async function eventsOf(project: string): Promise<string[]> {
  const { body } = await call<EventPage>('GET', `/v1/events?project=${project}&limit=100`);
  return body.items
    .filter(({ type }) => type === 'schedule')
    .map(({ reason, schedule, actor, note }) => [reason, schedule, actor, note].join(' ').trim());
}

describe('a schedule', () => {
  test('is stored, told to Temporal, and shown', async () => {
    const { project, status, headers, body, url } = await makeSchedule({ ...nightly, note: 'as agreed' });
    expect([status, headers.location]).toEqual([201, url]);
    expect(body).toMatchObject({
      project,
      name: 'nightly',
      temporalId: `${project}/nightly`,
      definition: { cron: '30 2 * * *', timezone: 'Europe/Berlin' },
      timezone: 'Europe/Berlin',
      paused: false,
      note: 'as agreed',
      skipAt: null,
      origin: 'api',
      form: null,
      isApplied: false,
      createdBy: 'key:editor',
    });
    expect(Date.parse(body.nextAt ?? '')).toBeGreaterThan(Date.now());
    expect(temporal.schedules.at(-1)).toMatchObject({
      project,
      name: 'nightly',
      revision: 1,
      isDeleted: false,
    });
    expect((await call('GET', url)).body).toEqual({ ...body, form: 'plain', isApplied: true });
    expect(await eventsOf(project)).toEqual(['created nightly key:editor as agreed']);
  });

  test('goes by the zone of its project, unless it has one', async () => {
    const { project, url } = await makeSchedule({ name: 'daily', cron: '@daily' });
    const zone = { payload: { timezone: 'Asia/Kolkata' } };
    await call<ProjectView>('PATCH', `/v1/projects/${project}`, zone);
    expect((await call<ScheduleView>('GET', url)).body).toMatchObject({
      timezone: 'Asia/Kolkata',
      isApplied: false,
    });
    await call<ProjectView>('PATCH', `/v1/projects/${project}`, zone);
    expect(await eventsOf(project)).toEqual(['created daily key:editor', 'retimed daily key:editor']);
    const { items } = (await call<SchedulePreview>('GET', `${url}/preview?count=1`)).body;
    expect(items[0]?.local).toMatch(/T00:00:00\+05:30$/);
  });

  test('is refused with all that is wrong', async () => {
    const payload = { name: 'Not A Name', cron: ['30 2 * *', '@daily'], note: '', every: '5m' };
    const project = await makeProject();
    const { status, problem } = await call('POST', `/v1/projects/${project}/schedules`, { payload });
    expect([status, problem.code]).toEqual([422, 'SCHEDULE_INVALID']);
    expect(problem.problems?.map(({ code, path }) => `${code} ${path}`)).toEqual([
      'SHAPE_INVALID /name',
      'SHAPE_INVALID /note',
      'SHAPE_INVALID ',
      'CRON_INVALID /cron/0',
    ]);
  });

  test('that would be too much for Temporal is refused with what to do', async () => {
    const cron = Array.from({ length: 20 }, (_, i) => `${i} 1-${i + 1} */${(i % 9) + 2} * *`);
    const project = await makeProject();
    const make = (timezone: string) =>
      call('POST', `/v1/projects/${project}/schedules`, { payload: { name: 'often', cron, timezone } });
    const { status, problem } = await make('Europe/Berlin');
    expect([status, problem.code]).toEqual([422, 'SCHEDULE_INVALID']);
    expect(problem.problems).toEqual([
      {
        code: 'LIMIT_EXCEEDED',
        path: '',
        message: expect.stringMatching(
          /Europe\/Berlin.* \d{3,} calendars.*at most 500: make several schedules/,
        ),
      },
    ]);
    expect((await make('UTC')).status).toBe(201);
  });

  test.each([
    [{ params: { nobody: 1 } }, 'PARAMS_INVALID'],
    [{ select: ['nobody'] }, 'SELECTION_INVALID'],
  ])('whose runs would be refused is refused: %j', async (more, code) => {
    const { status, problem } = await makeSchedule({ ...nightly, ...more });
    expect([status, problem.code]).toEqual([422, code]);
  });

  test('of a name that there is already is refused, and free again once that is deleted', async () => {
    const { project, url } = await makeSchedule();
    const again = () => call('POST', `/v1/projects/${project}/schedules`, { payload: nightly });
    const refused = await again();
    expect([refused.status, refused.problem.code]).toEqual([409, 'SCHEDULE_EXISTS']);
    expect((await call('DELETE', url)).status).toBe(204);
    expect(temporal.schedules.at(-1)).toMatchObject({ project, isDeleted: true });
    const gone = await call('GET', url);
    expect([gone.status, gone.problem.code]).toEqual([404, 'SCHEDULE_UNKNOWN']);
    expect((await again()).status).toBe(201);
    expect(await eventsOf(project)).toEqual([
      'created nightly key:editor',
      'deleted nightly key:editor',
      'created nightly key:editor',
    ]);
  });

  test('is changed part by part', async () => {
    const { project, url } = await makeSchedule({ ...nightly, jitter: '30s' });
    const changed = await call<ScheduleView>('PATCH', url, { payload: { cron: '@daily', jitter: null } });
    expect(changed.body.definition).toEqual({ cron: '@daily', timezone: 'Europe/Berlin' });
    expect(temporal.schedules.at(-1)).toMatchObject({ revision: 2, definition: { cron: '@daily' } });
    const refused = await call('PATCH', url, { payload: { cron: null } });
    expect([refused.status, refused.problem.code]).toEqual([422, 'SCHEDULE_INVALID']);
    await call('PATCH', url, { payload: { cron: '@daily' } });
    expect(await eventsOf(project)).toEqual(['created nightly key:editor', 'changed nightly key:editor']);
  });

  test('is paused and unpaused with a note, each once', async () => {
    const { project, url } = await makeSchedule();
    const payload = { note: 'maintenance' };
    const paused = await call<ScheduleView>('POST', `${url}/pause`, { payload });
    expect(paused.body).toMatchObject({ paused: true, note: 'maintenance', nextAt: null });
    expect(temporal.schedules.at(-1)).toMatchObject({ paused: true, note: 'maintenance' });
    await call('POST', `${url}/pause`, { payload });
    expect((await call<ScheduleView>('POST', `${url}/unpause`)).body).toMatchObject({
      paused: false,
      note: null,
    });
    expect(await eventsOf(project)).toEqual([
      'created nightly key:editor',
      'paused nightly key:editor maintenance',
      'unpaused nightly key:editor',
    ]);
  });

  test('is kept while Temporal is away, with why it is not applied', async () => {
    temporal.isAway = true;
    const { status, url } = await makeSchedule();
    temporal.isAway = false;
    expect(status).toBe(201);
    expect((await call<ScheduleView>('GET', url)).body).toMatchObject({
      isApplied: false,
      problem: 'Temporal is away.',
    });
  });

  test('sent again with its key is made once', async () => {
    const project = await makeProject();
    const sent = { payload: nightly, headers: { 'idempotency-key': 'make-it' } };
    const url = `/v1/projects/${project}/schedules`;
    const first = await call('POST', url, sent);
    const again = await call('POST', url, sent);
    expect([again.status, again.body, again.headers['idempotency-replayed']]).toEqual([
      201,
      first.body,
      'true',
    ]);
  });
});

test('a trigger runs what the schedule runs, though it is paused', async () => {
  const { project, url } = await makeSchedule({ ...nightly, paused: true, select: ['load'] });
  const { status, headers, body } = await call<GraphRunView>('POST', `${url}/trigger`);
  expect([status, headers.location]).toEqual([201, `/v1/graph-runs/${body.id}`]);
  expect(body).toMatchObject({
    project,
    state: 'PENDING',
    select: ['load'],
    origin: 'api',
    schedule: 'nightly',
  });
  expect(Date.parse(body.scheduledAt ?? '')).toBeGreaterThan(Date.now() - 60_000);
  expect(temporal.graphRuns.at(-1)).toMatchObject({ id: body.id });
});

test('the next time is skipped once, with a note, and no other', async () => {
  const { project, url, body: made } = await makeSchedule();
  const payload = { note: 'a holiday' };
  const { body } = await call<ScheduleView>('POST', `${url}/skip`, { payload });
  expect(body).toMatchObject({ skipAt: made.nextAt });
  expect(Date.parse(body.nextAt ?? '')).toBeGreaterThan(Date.parse(made.nextAt ?? ''));
  expect((await call<ScheduleView>('POST', `${url}/skip`, { payload })).body.skipAt).toBe(made.nextAt);
  const { items } = (await call<SchedulePreview>('GET', `${url}/preview?count=1`)).body;
  expect(items[0]?.at).toBe(body.nextAt);
  expect(await eventsOf(project)).toEqual([
    'created nightly key:editor',
    `skipped nightly key:editor ${made.nextAt}: a holiday`,
  ]);
  const other = await makeSchedule();
  await call('PATCH', other.url, { payload: { endAt: '2020-01-01T00:00:00Z' } });
  const refused = await call('POST', `${other.url}/skip`);
  expect([refused.status, refused.problem.code]).toEqual([409, 'SCHEDULE_HAS_NO_NEXT']);
});

test('a preview shows the next times, and marks the days on which the clock is changed', async () => {
  const { url } = await makeSchedule({ ...nightly, startAt: '2035-03-24T00:00:00Z' });
  const { body } = await call<SchedulePreview>('GET', `${url}/preview?count=3`);
  expect(body).toEqual({
    timezone: 'Europe/Berlin',
    readBy: 'graphrun',
    items: [
      { at: '2035-03-24T01:30:00.000Z', local: '2035-03-24T02:30:00+01:00', dst: null },
      { at: '2035-03-25T01:30:00.000Z', local: '2035-03-25T03:30:00+02:00', dst: 'gap' },
      { at: '2035-03-26T00:30:00.000Z', local: '2035-03-26T02:30:00+02:00', dst: null },
    ],
  });
  const refused = await call('GET', `${url}/preview?count=0`);
  expect([refused.status, refused.problem.code]).toEqual([400, 'REQUEST_INVALID']);
});

test('schedules of a project are listed, newest first, page by page', async () => {
  const project = await makeProject();
  const url = `/v1/projects/${project}/schedules`;
  for (const name of ['a', 'b', 'c']) await call('POST', url, { payload: { ...nightly, name } });
  const first = await call<Page<ScheduleView>>('GET', `${url}?limit=2`);
  expect(first.body.items.map(({ name }) => name)).toEqual(['c', 'b']);
  const rest = await call<Page<ScheduleView>>('GET', `${url}?cursor=${first.body.nextCursor}`);
  expect(rest.body).toMatchObject({ items: [{ name: 'a' }], nextCursor: null });
  const other = await makeProject();
  expect((await call('GET', `/v1/projects/${other}/schedules`)).body).toEqual({
    items: [],
    nextCursor: null,
  });
});

test.each([
  ['GET', ''],
  ['PATCH', ''],
  ['DELETE', ''],
  ['POST', '/trigger'],
  ['POST', '/skip'],
  ['POST', '/pause'],
  ['POST', '/unpause'],
  ['GET', '/preview'],
  ['GET', '/simulation'],
] as const)('%s of one%s that is not there is refused', async (method, path) => {
  const payload = method === 'PATCH' ? { cron: '@daily' } : undefined;
  const options = payload && { payload };
  const project = await makeProject();
  const of = (name: string) => call(method, `/v1/projects/${name}/schedules/none${path}`, options);
  const [schedule, unknown] = [await of(project), await of('nobody')];
  expect([schedule.status, schedule.problem.code]).toEqual([404, 'SCHEDULE_UNKNOWN']);
  expect([unknown.status, unknown.problem.code]).toEqual([404, 'PROJECT_UNKNOWN']);
});

test('a time that is skipped is not forgotten when it has passed and the next one is skipped', async () => {
  const { project, url, body: made } = await makeSchedule({ name: 'hourly', cron: '@hourly' });
  await call('POST', `${url}/skip`);
  const passed = '2026-01-01T09:00:00.000Z';
  await sql.query(`UPDATE schedule SET skipped = $2 WHERE temporal_id = $1`, [`${project}/hourly`, [passed]]);
  expect((await call<ScheduleView>('GET', url)).body).toMatchObject({ skipAt: null, nextAt: made.nextAt });
  expect((await call<ScheduleView>('POST', `${url}/skip`)).body.skipAt).toBe(made.nextAt);
  const [row] = await sql.query<{ skipped: Date[] }>('SELECT skipped FROM schedule WHERE temporal_id = $1', [
    `${project}/hourly`,
  ]);
  expect(row?.skipped.map((at) => at.toISOString())).toEqual([passed, made.nextAt]);
});

test('a change that leaves the skipped time out drops the skip, and one that keeps it does not', async () => {
  const { project, url, body: made } = await makeSchedule({ name: 'daily', cron: '30 12 * * *' });
  await call('POST', `${url}/skip`);
  const change = (payload: object) => call<ScheduleView>('PATCH', url, { payload });
  expect((await change({ overlap: 'buffer_one' })).body.skipAt).toBe(made.nextAt);
  expect((await change({ cron: '30 * * * *' })).body.skipAt).toBe(made.nextAt);
  expect((await change({ cron: '45 12 * * *' })).body.skipAt).toBeNull();
  const { body: next } = await call<ScheduleView>('POST', `${url}/skip`);
  await call('PATCH', `/v1/projects/${project}`, { payload: { timezone: 'Asia/Kolkata' } });
  expect((await call<ScheduleView>('GET', url)).body.skipAt).toBeNull();
  const why = 'it is no time of the schedule any more';
  expect((await eventsOf(project)).filter((event) => event.startsWith('unskipped'))).toEqual([
    `unskipped daily key:editor ${made.nextAt}: ${why}`,
    `unskipped daily key:editor ${next.skipAt}: ${why}`,
  ]);
});
