// What stands in Temporal once a schedule is pushed: its server's own times are ours, over both days of a year on which the clock is
// changed.
import { msNumberToTs, tsToMs } from '@temporalio/common/lib/time.js';
import { afterAll, expect, it } from 'vitest';
import { readSchedule } from '../../graph/schedules/read-schedule.ts';
import { ticksAfter } from '../../graph/schedules/ticks.ts';
import { pushOne } from '../../watch/schedules/push-schedules.ts';
import { createStarter } from '../../watch/starter.ts';
import { useEngine } from '../support/engine.ts';

const engine = await useEngine([], undefined, { isIdle: true });
const { store, client, taskQueue, temporalAddress: address } = engine;
const starter = createStarter({ temporal: { address, namespace: 'default' }, taskQueue });
afterAll(() => starter.close());
const actor = 'test';
const prefix = `times-${taskQueue.slice(-8)}`;
const made: { readonly project: string; readonly name: string }[] = [];

afterAll(async () => {
  for (const schedule of made) await store.schedules.remove(schedule, actor);
  for (const schedule of made) await push(schedule);
});

async function push({ project, name }: { readonly project: string; readonly name: string }): Promise<void> {
  await pushOne({ store, starter }, (await store.schedules.idOf(project, name)) ?? '');
}

/** Paused: its times are the same. */
async function create(project: string, name: string, written: object): Promise<void> {
  await store.schedules.create({ project, name, written, paused: true, note: null, actor });
  made.push({ project, name });
  await push({ project, name });
}

const from = Math.ceil(Date.now() / 60_000) * 60_000;
const until = from + 400 * 86_400_000;

/** Of Temporal's server. */
async function timesInTemporal(project: string, name: string): Promise<string[]> {
  const { startTime } = await client.workflowService.listScheduleMatchingTimes({
    ...{ namespace: 'default', scheduleId: `${project}/${name}` },
    ...{ startTime: msNumberToTs(from), endTime: msNumberToTs(until) },
  });
  return (startTime ?? []).map((time) => new Date(tsToMs(time)).toISOString());
}

function ownTimes(written: object, timezone: string): string[] {
  const read = readSchedule(written, { timezone, now: from });
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return [...ticksAfter(read.timing, from, until)].map(({ at }) => new Date(at).toISOString());
}

const nine = { cron: '0 9 * * *' };

it.each([
  [nine, 'Asia/Kolkata', 'plain'],
  [nine, 'Europe/Berlin', 'plain'],
  [nine, 'America/New_York', 'plain'],
  [{ cron: '30 2 * * *' }, 'Europe/Berlin', 'utc'],
  [{ cron: '30 2 * * *', dst: { gap: 'skip', overlap: 'last' } }, 'Europe/Berlin', 'plain'],
  [{ cron: '30 1 * * *' }, 'America/New_York', 'utc'],
  [{ cron: '0 0 * * *' }, 'Africa/Cairo', 'utc'],
  [{ cron: '0 12 29 2 *' }, 'Europe/London', 'plain'],
  [{ cron: '0 12 31 * *' }, 'Australia/Sydney', 'plain'],
])('%j in %s fires there when it fires here', async (written, timezone, form) => {
  const project = `${prefix}-${made.length}`;
  await store.projects.create({ name: project, timezone, actor });
  await create(project, 'a', written);
  expect((await store.schedules.get({ project, name: 'a' })).form).toBe(form);
  expect(await timesInTemporal(project, 'a')).toEqual(ownTimes(written, timezone));
});

it('09:00 stays 09:00 on the clock of its zone, on each day of a year', async () => {
  const project = `${prefix}-clock`;
  await store.projects.create({ name: project, timezone: 'Europe/Berlin', actor });
  await create(project, 'a', nine);
  const times = await timesInTemporal(project, 'a');
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', timeStyle: 'short' });
  expect(new Set(times.map((time) => clock.format(Date.parse(time))))).toEqual(new Set(['09:00']));
  expect(new Set(times.map((time) => time.slice(11, 16)))).toEqual(new Set(['07:00', '08:00']));
  expect(times.length).toBeGreaterThanOrEqual(399);
});

it('the zone of its project is changed: it is retimed there, and one with a zone of its own is not', async () => {
  const project = `${prefix}-zone`;
  await store.projects.create({ name: project, timezone: 'Europe/Berlin', actor });
  const own = { cron: '0 9 * * *', timezone: 'America/New_York' };
  await create(project, 'follows', { cron: '30 2 * * *' });
  await create(project, 'stays', own);
  await store.projects.update(project, { timezone: 'Asia/Kolkata', actor });
  for (const name of ['follows', 'stays']) await push({ project, name });
  expect(await timesInTemporal(project, 'follows')).toEqual(ownTimes({ cron: '30 2 * * *' }, 'Asia/Kolkata'));
  expect(await timesInTemporal(project, 'stays')).toEqual(ownTimes(own, 'UTC'));
});
