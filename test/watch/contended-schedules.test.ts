// Schedules that are changed here and with Temporal's own tools at once, or told to Temporal by two at once.
import { expect, it, vi } from 'vitest';
import type { ScheduleToPush } from '../../store/schedule-pushes.ts';
import { pushOne } from '../../watch/schedules/push-schedules.ts';
import { useEngine } from '../support/engine.ts';
import { createScheduling } from '../support/scheduling.ts';
import { useSql } from '../support/sql.ts';
import { temporalCli } from '../support/temporal-cli.ts';
import { until } from '../support/until.ts';

const engine = await useEngine([], undefined, { isIdle: true });
const { store, client, taskQueue, databaseUrl } = engine;
const sql = await useSql(databaseUrl);
const actor = 'test';
const project = `contended-${taskQueue.slice(-8)}`;
await engine.push({ project, jobs: { a: { kind: 'upload', config: { file: 'a.csv' } } } });
const { push, look, starter } = createScheduling(engine, project);

const idOf = async (name: string) => (await store.schedules.idOf(project, name)) ?? '';
const find = (name: string) => store.schedules.get({ project, name });
const handle = (name: string) => client.schedule.getHandle(`${project}/${name}`);
const change = (name: string, written: Record<string, unknown>) =>
  store.schedules.change({ project, name, written, actor });
const pause = (name: string, note: string) =>
  store.schedules.pause({ project, name, paused: true, note, actor });

async function create(name: string): Promise<void> {
  const written = { cron: '0 9 * * *', timezone: 'UTC' };
  await store.schedules.create({ project, name, written, paused: false, note: null, actor });
  await push(name);
}

const cli = (command: string, name: string, ...args: string[]) =>
  temporalCli('schedule', command, '--schedule-id', `${project}/${name}`, ...args);

const updateOutside = (name: string, ...times: string[]) =>
  cli('update', name, ...startsGraph(name), ...times);

const startsGraph = (name: string) => [
  ...['--type', 'graphRun', '--task-queue', taskQueue, '--workflow-id', `${project}/${name}`],
  ...['--input', JSON.stringify({ project })],
];

/** Does something just before the next update of a schedule comes to Temporal. */
function beforeNextUpdate(work: () => Promise<unknown>): void {
  const { workflowService } = client;
  const { updateSchedule } = workflowService;
  const spy = vi.spyOn(workflowService, 'updateSchedule').mockImplementation(async (request) => {
    spy.mockRestore();
    await work();
    return updateSchedule.call(workflowService, request);
  });
}

async function eventsOf(name: string): Promise<string[]> {
  const { items } = await store.events.list({ after: 0, limit: 500, project });
  const own = items.filter(({ type, schedule }) => type === 'schedule' && schedule === name);
  return own.map(({ reason, actor: by }) => `${reason} ${by}`);
}

/** For one who is late: whoever comes now takes the schedule from it. */
async function claimThatIsLost(name: string): Promise<ScheduleToPush> {
  const claimed = await store.schedules.claim(await idOf(name));
  if (!claimed) throw new Error(`nothing to tell of ${name}`);
  await sql.query(`UPDATE schedule SET push_after = now() - interval '1 second' WHERE id = $1`, [claimed.id]);
  return claimed;
}

async function pushLate(claimed: ScheduleToPush): Promise<string> {
  const push = await starter.pushSchedule(claimed);
  return store.schedules.pushed(claimed, push.outcome === 'put' ? push.pushed : null);
}

const hourOf = async (name: string) => (await handle(name).describe()).spec.calendars?.[0]?.hour[0]?.start;
const isThere = (name: string) =>
  handle(name)
    .describe()
    .then(
      () => true,
      () => false,
    );

it('an update that Temporal drops, since somebody paused the schedule meanwhile, is made again', async () => {
  await create('dropped');
  await change('dropped', { cron: '0 10 * * *' });
  beforeNextUpdate(() => cli('toggle', 'dropped', '--pause', '--reason', 'from there'));
  await push('dropped');
  expect(await hourOf('dropped')).toBe(10);
  expect((await handle('dropped').describe()).state).toMatchObject({ paused: true, note: 'from there' });
  expect(await find('dropped')).toMatchObject({ isApplied: true, paused: true, note: 'from there' });
  expect(await eventsOf('dropped')).toEqual(['created test', 'changed test', 'paused temporal']);
});

it('and where it was updated meanwhile that counts, as the newer one', async () => {
  await create('raced');
  await change('raced', { cron: '0 10 * * *' });
  beforeNextUpdate(() => updateOutside('raced', '--cron', '0 11 * * *'));
  await push('raced');
  expect(await hourOf('raced')).toBe(11);
  expect(await find('raced')).toMatchObject({ isApplied: true, form: 'temporal', updatedBy: 'temporal' });
  expect(await eventsOf('raced')).toEqual([
    'created test',
    'changed test',
    'changed temporal',
    'overruled test',
  ]);
});

it('one that is changed in Temporal each time is not told, and says why', async () => {
  await create('contended');
  await change('contended', { cron: '0 10 * * *' });
  let pauses = 0;
  const again = async (): Promise<void> => {
    pauses += 1;
    await handle('contended').pause(`pause ${pauses}`);
    if (pauses < 5) beforeNextUpdate(again);
  };
  beforeNextUpdate(again);
  await push('contended');
  expect([pauses, await hourOf('contended')]).toEqual([5, 9]);
  expect(await find('contended')).toMatchObject({
    isApplied: false,
    problem: expect.stringContaining('with its own tools'),
  });
});

it('what was changed here last counts, and the other change is told', async () => {
  await create('here');
  await updateOutside('here', '--cron', '0 11 * * *');
  await change('here', { cron: '0 10 * * *' });
  await push('here');
  expect(await hourOf('here')).toBe(10);
  expect(await find('here')).toMatchObject({
    isApplied: true,
    form: 'plain',
    definition: { cron: '0 10 * * *' },
  });
  expect(await eventsOf('here')).toEqual(['created test', 'changed test', 'overruled temporal']);
});

it('what was changed in Temporal last counts, with the pause from here', async () => {
  await create('there');
  await change('there', { cron: '0 10 * * *' });
  await pause('there', 'from here');
  await updateOutside('there', '--cron', '0 11 * * *');
  await push('there');
  expect(await hourOf('there')).toBe(11);
  expect((await handle('there').describe()).state).toMatchObject({ paused: true, note: 'from here' });
  expect(await find('there')).toMatchObject({ isApplied: true, form: 'temporal', paused: true });
  expect(await eventsOf('there')).toEqual([
    ...['created test', 'changed test', 'paused test', 'changed temporal', 'overruled test'],
  ]);
});

it('a pause from here leaves what was just changed with the tools of Temporal to be seen', async () => {
  await cli('create', 'mixed', ...startsGraph('mixed'), '--interval', '6h');
  await until(async () => {
    await look();
    return (await store.schedules.idOf(project, 'mixed')) ?? undefined;
  }, 'the list of the server shows it');
  await pause('mixed', 'from here');
  await updateOutside('mixed', '--interval', '6h', '--overlap-policy', 'BufferOne');
  await push('mixed');
  expect(await find('mixed')).toMatchObject({
    ...{ isApplied: true, paused: true, note: 'from here', definition: { overlap: 'buffer_one' } },
  });
  const { policies, state } = await handle('mixed').describe();
  expect([policies.overlap, state.note]).toEqual(['BUFFER_ONE', 'from here']);
  expect(await eventsOf('mixed')).toEqual(['created temporal', 'paused test', 'changed temporal']);
});

it('a pause in Temporal that nobody has seen yet outlasts a change from here', async () => {
  await create('paused');
  await handle('paused').pause('from there');
  await change('paused', { cron: '0 10 * * *' });
  await push('paused');
  expect((await handle('paused').describe()).state).toMatchObject({ paused: true, note: 'from there' });
  expect(await find('paused')).toMatchObject({ isApplied: true, paused: true, note: 'from there' });
});

it('one who is late puts an old state over a newer one, and it is told again', async () => {
  await create('late');
  await change('late', { cron: '0 10 * * *' });
  const claimed = await claimThatIsLost('late');
  await change('late', { cron: '0 11 * * *' });
  await push('late');
  expect(await hourOf('late')).toBe(11);
  expect(await pushLate(claimed)).toBe('again');
  expect(await hourOf('late')).toBe(10);
  await push('late');
  expect(await hourOf('late')).toBe(11);
  expect(await eventsOf('late')).toEqual(['created test', 'changed test', 'changed test']);
});

it('also where he dies before he tells', async () => {
  await create('died');
  await change('died', { cron: '0 10 * * *' });
  const claimed = await claimThatIsLost('died');
  await change('died', { cron: '0 11 * * *' });
  await push('died');
  await starter.pushSchedule(claimed);
  await look();
  await push('died');
  expect(await hourOf('died')).toBe(11);
  expect(await find('died')).toMatchObject({ form: 'plain', definition: { cron: '0 11 * * *' } });
});

it('a problem of one who is late holds up nobody', async () => {
  await create('slow');
  await change('slow', { cron: '0 10 * * *' });
  const claimed = await claimThatIsLost('slow');
  await push('slow');
  await store.schedules.postpone(claimed, 'it did not answer');
  // His words may have come to Temporal all the same.
  expect(await find('slow')).toMatchObject({ isApplied: false, problem: null });
  await push('slow');
  expect(await find('slow')).toMatchObject({ isApplied: true });
});

it.each(['deleted', 'deleted-unseen'])('a schedule that is %s stays so, whoever is late', async (name) => {
  await create(name);
  await change(name, { cron: '0 10 * * *' });
  const id = await idOf(name);
  const claimed = await claimThatIsLost(name);
  await store.schedules.remove({ project, name }, actor);
  await push(name);
  expect(await isThere(name)).toBe(false);
  if (name === 'deleted') {
    expect(await pushLate(claimed)).toBe('again');
  } else {
    await starter.pushSchedule(claimed);
    expect(await isThere(name)).toBe(true);
  }
  await until(async () => {
    // It is made anew, and the list of the server shows such ones a little late.
    if (name !== 'deleted') await look();
    await pushOne({ store, starter }, id);
    return !(await isThere(name)) || undefined;
  }, `${name} is deleted in Temporal again`);
});

it('nor does one of a project that is gone by then', async () => {
  const other = `${project}-gone`;
  await store.projects.create({ name: other, timezone: 'UTC', actor });
  const written = { cron: '0 9 * * *' };
  await store.schedules.create({ project: other, name: 's', written, paused: true, note: null, actor });
  const id = (await store.schedules.idOf(other, 's')) ?? '';
  const late = {
    ...starter,
    pushSchedule: async (schedule: ScheduleToPush) => {
      await store.projects.remove(other, actor);
      return starter.pushSchedule(schedule);
    },
  };
  await pushOne({ store, starter: late }, id);
  await expect(client.schedule.getHandle(`${other}/s`).describe()).rejects.toThrow('not found');
});
