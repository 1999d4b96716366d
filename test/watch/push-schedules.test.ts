import type { ScheduleDescription } from '@temporalio/client';
import { afterAll, expect, it } from 'vitest';
import type { ScheduleView } from '../../graph/schedules/resources.ts';
import { dropDeletedProjects } from '../../watch/drop-projects.ts';
import { probePrefix } from '../../watch/schedules/push-schedule.ts';
import { pushOne, pushSchedules } from '../../watch/schedules/push-schedules.ts';
import { createStarter } from '../../watch/starter.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';

const engine = await useEngine(createTestKinds().kinds);
const { store, client, taskQueue, temporalAddress: address, warehouse } = engine;
const sql = await useSql(engine.databaseUrl);
const starter = createStarter({ temporal: { address, namespace: 'default' }, taskQueue });
afterAll(() => starter.close());
const actor = 'test';
/** Ids of schedules are of the whole server. */
const project = `sched-${taskQueue.slice(-8)}`;
await engine.push({
  project,
  timezone: 'Europe/Berlin',
  params: { n: { default: 1 } },
  jobs: { a: { kind: 'noop' } },
});

const handle = (name: string) => client.schedule.getHandle(`${project}/${name}`);

/** As the API does at once. */
async function apply(name: string): Promise<ScheduleView> {
  const id = (await store.schedules.idOf(project, name)) ?? '';
  return until(async () => {
    // The server may leave one question of many unanswered: it is asked again.
    const failure = await pushOne({ store, starter }, id).catch((error: unknown) => error);
    if (failure !== undefined) expect(failure).toMatchObject({ code: 'TEMPORAL_UNAVAILABLE' });
    const view = await store.schedules.get({ project, name });
    return view.isApplied ? view : undefined;
  }, `Temporal has the schedule ${name}`);
}

/** As the watch does in each turn. Answers with what went wrong. */
async function takeTurn(): Promise<unknown[]> {
  const errors: unknown[] = [];
  const signal = new AbortController().signal;
  await pushSchedules({ store, starter, signal, onError: (error) => errors.push(error) });
  return errors;
}

/** Turns until all is told. */
async function tellAll(): Promise<void> {
  await until(async () => {
    for (const error of await takeTurn()) expect(error).toMatchObject({ code: 'TEMPORAL_UNAVAILABLE' });
    const untold = await sql.query('SELECT FROM schedule WHERE pushed_revision < revision');
    return untold.length === 0 ? true : undefined;
  }, 'Temporal has all schedules');
}

async function create(name: string, written: object, paused = true): Promise<ScheduleView> {
  await store.schedules.create({ project, name, written, paused, note: null, actor });
  return apply(name);
}

const describeIt = (name: string): Promise<ScheduleDescription> => handle(name).describe();

it('a schedule comes to Temporal as it was written, where that is read alike', async () => {
  const written = {
    cron: '0 9 * * mon-fri',
    exclude: { dates: ['2030-12-25'] },
    params: { n: 2 },
    select: ['a'],
    overlap: 'buffer_one',
    catchUp: { window: '2h' },
    pauseOnFailure: true,
    jitter: '30s',
    limit: 5,
  };
  expect(await create('plain', written)).toMatchObject({ form: 'plain', problem: null });
  expect(await describeIt('plain')).toMatchObject({
    spec: {
      timezone: 'Europe/Berlin',
      jitter: 30_000,
      calendars: [{ comment: '0 9 * * mon-fri', hour: [{ start: 9, end: 9, step: 1 }] }],
      skip: [{ comment: '2030-12-25' }],
    },
    action: {
      workflowType: 'graphRun',
      workflowId: `${project}/plain`,
      taskQueue,
      args: [{ project, params: { n: 2 }, select: ['a'] }],
    },
    policies: { overlap: 'BUFFER_ONE', catchupWindow: 7_200_000, pauseOnFailure: true },
    state: { paused: true, remainingActions: 5 },
  });
});

it.each([
  [{ missed: 'none' }, 60_000],
  [{ missed: 'latest', window: '10s' }, 60_000],
  [{ missed: 'latest', window: '5m' }, 300_000],
])('Temporal catches up with what is in time here: %j', async (catchUp, windowMs) => {
  const name = `window-${windowMs / 1_000}-${catchUp.missed}`;
  await create(name, { cron: '@daily', catchUp });
  expect((await describeIt(name)).policies.catchupWindow).toBe(windowMs);
});

it('and as times in UTC, where the server would read it otherwise', async () => {
  expect(await create('dst', { cron: '30 2 * * *' })).toMatchObject({ form: 'utc' });
  const { spec } = await describeIt('dst');
  expect(spec.timezone).toBe('UTC');
  expect(spec.calendars?.[0]?.comment).toBe('Europe/Berlin: 30 2 * * *');
  for await (const { scheduleId } of client.schedule.list()) expect(scheduleId).not.toContain(probePrefix);
});

it('what is changed here is changed there, and what is left of a limit stays', async () => {
  await create('changing', { cron: '@daily', timezone: 'UTC', limit: 5 });
  await handle('changing').update(({ state, ...rest }) => ({
    ...rest,
    state: { ...state, remainingActions: 3 },
  }));
  const name = { project, name: 'changing' };
  await store.schedules.change({ ...name, written: { cron: '0 4 * * *' }, actor });
  await apply('changing');
  await store.schedules.pause({ ...name, paused: false, note: 'go on', actor });
  await apply('changing');
  expect(await describeIt('changing')).toMatchObject({
    spec: { calendars: [{ comment: '0 4 * * *' }] },
    state: { paused: false, note: 'go on', remainingActions: 3 },
  });
  await store.schedules.change({ ...name, written: { limit: 7 }, actor });
  await apply('changing');
  expect((await describeIt('changing')).state.remainingActions).toBe(7);
});

it('a project that is put into another zone takes its schedules with it', async () => {
  const other = `${project}-zone`;
  await store.projects.create({ name: other, timezone: 'Asia/Tokyo', actor });
  const create = (name: string, more: object) =>
    store.schedules.create({
      ...{ project: other, name, paused: true, note: null, actor },
      written: { cron: '0 9 * * *', ...more },
    });
  await create('follows', {});
  await create('stays', { timezone: 'UTC' });
  const zoneOf = async (name: string) =>
    (
      await client.schedule
        .getHandle(`${other}/${name}`)
        .describe()
        .catch(() => null)
    )?.spec.timezone;
  await tellAll();
  expect([await zoneOf('follows'), await zoneOf('stays')]).toEqual(['Asia/Tokyo', 'UTC']);
  await store.projects.update(other, { timezone: 'Asia/Kolkata', actor });
  await tellAll();
  expect([await zoneOf('follows'), await zoneOf('stays')]).toEqual(['Asia/Kolkata', 'UTC']);

  await store.projects.remove(other, actor);
  await dropDeletedProjects({ store, warehouse, starter, onError: () => {} });
  expect([await zoneOf('follows'), await zoneOf('stays')]).toEqual([undefined, undefined]);
});

it('what Temporal could not be told is kept, with why, and told when it is back', async () => {
  const away = createStarter({ temporal: { address: '127.0.0.1:9', namespace: 'default' }, timeoutMs: 300 });
  const name = { project, name: 'later' };
  await store.schedules.create({ ...name, written: { cron: '@daily' }, paused: true, note: null, actor });
  const id = (await store.schedules.idOf(project, 'later')) ?? '';
  const refused = { code: 'TEMPORAL_UNAVAILABLE' };
  await expect(pushOne({ store, starter: away }, id)).rejects.toMatchObject(refused);
  await away.close();
  expect(await store.schedules.get(name)).toMatchObject({
    isApplied: false,
    problem: expect.stringContaining('Temporal'),
  });
  const isApplied = async () => (await store.schedules.get(name)).isApplied || undefined;
  await until(() => takeTurn().then(isApplied), 'a later turn tells of it');
  expect((await describeIt('later')).state.paused).toBe(true);
});

it('what Temporal refuses is told in its own words', async () => {
  const name = { project, name: 'refused' };
  await store.schedules.create({ ...name, written: { cron: '@daily' }, paused: true, note: null, actor });
  // As it was stored before names of time zones were checked.
  await sql.query(`UPDATE project SET timezone = '+02:00' WHERE name = $1`, [project]);
  const id = (await store.schedules.idOf(project, name.name)) ?? '';
  await expect(pushOne({ store, starter }, id)).rejects.toMatchObject({ code: 'TEMPORAL_UNAVAILABLE' });
  const { problem } = await store.schedules.get(name);
  expect(problem).toMatch(/^Temporal refuses it: .*unknown time zone \+02:00/);
  await sql.query(`UPDATE project SET timezone = 'Europe/Berlin' WHERE name = $1`, [project]);
  await store.schedules.remove(name, actor);
  await tellAll();
});

it('a deleted schedule is deleted there, and one made anew is there again', async () => {
  await create('again', { cron: '@daily', timezone: 'UTC' });
  await store.schedules.remove({ project, name: 'again' }, actor);
  await store.schedules.create({
    project,
    name: 'again',
    written: { cron: '@hourly', timezone: 'UTC' },
    paused: true,
    note: null,
    actor,
  });
  await tellAll();
  await apply('again');
  expect((await describeIt('again')).spec.calendars?.[0]?.comment).toBe('@hourly');
  await store.schedules.remove({ project, name: 'again' }, actor);
  await tellAll();
  await expect(describeIt('again')).rejects.toThrow('not found');
});

it('fires: a graph run of the project, with its parameters', async () => {
  await create('often', { interval: { every: '1s' }, params: { n: 7 } }, false);
  const [run] = await until(async () => {
    const { items } = await store.graphRuns.list({ project, state: 'SUCCESS' }, { limit: 1 });
    return items.length > 0 ? items : undefined;
  }, 'a run has ended');
  expect(run).toMatchObject({ params: { n: 7 }, workflowId: expect.stringMatching(`^${project}/often-2`) });
  await store.schedules.remove({ project, name: 'often' }, actor);
  await tellAll();
});
