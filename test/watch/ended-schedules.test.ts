// Schedules that fire no more: Temporal's server deletes them after a week.
import { expect, it } from 'vitest';
import { useEngine } from '../support/engine.ts';
import { createScheduling } from '../support/scheduling.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';

const engine = await useEngine([], undefined, { isIdle: true });
const { store, client, taskQueue, databaseUrl } = engine;
const sql = await useSql(databaseUrl);
const actor = 'test';
const project = `ended-${taskQueue.slice(-8)}`;
await engine.push({ project, jobs: { a: { kind: 'upload', config: { file: 'a.csv' } } } });
const { push, look } = createScheduling(engine, project);

const find = (name: string) => store.schedules.get({ project, name });
const handle = (name: string) => client.schedule.getHandle(`${project}/${name}`);

async function create(name: string, written: object): Promise<void> {
  await store.schedules.create({ project, name, written, paused: false, note: null, actor });
  await push(name);
}

async function ended(name: string): Promise<void> {
  await until(async () => {
    await look();
    return (await find(name)).endedAt ?? undefined;
  }, `${name} shows as ended`);
}

/** As Temporal's server does after a week. */
async function forget(name: string): Promise<void> {
  await sql.query(`UPDATE schedule SET ended_at = now() - interval '7 days' WHERE name = $1`, [name]);
  await handle(name).delete();
}

async function eventsOf(name: string): Promise<string[]> {
  const { items } = await store.events.list({ after: 0, limit: 500, project });
  const own = items.filter(({ type, schedule }) => type === 'schedule' && schedule === name);
  return own.map(({ reason, note }) => [reason, note].join(' ').trim());
}

const isThere = (name: string) =>
  handle(name)
    .describe()
    .then(
      () => true,
      () => false,
    );

it('one whose limit is used up is ended, and kept when Temporal has forgotten it', async () => {
  const name = 'limited';
  await create(name, { interval: { every: '1s' }, limit: 1 });
  expect((await find(name)).endedAt).toBeNull();
  await ended(name);
  expect(await find(name)).toMatchObject({ nextAt: null, paused: false });
  expect(await store.schedules.preview({ project, name }, 3)).toMatchObject({ items: [] });
  await forget(name);
  await look();
  expect(await eventsOf(name)).toEqual(['created', 'ended its limit of runs is used up']);

  // Nothing makes it there again but another limit.
  await store.schedules.pause({ project, name, paused: true, note: null, actor });
  await push(name);
  await store.schedules.change({ project, name, written: { interval: { every: '2h' } }, actor });
  await push(name);
  await look();
  expect(await isThere(name)).toBe(false);
  expect(await find(name)).toMatchObject({ isApplied: true, paused: true, endedAt: expect.any(String) });
  await store.schedules.change({ project, name, written: { limit: 2 }, actor });
  await push(name);
  expect(await find(name)).toMatchObject({ isApplied: true, endedAt: null });
  expect((await handle(name).describe()).state).toMatchObject({ paused: true, remainingActions: 2 });
});

it('one whose times are over is ended, until it gets others', async () => {
  const name = 'over';
  const endAt = new Date(Date.now() + 3_000).toISOString();
  await create(name, { interval: { every: '1s' }, endAt });
  await ended(name);
  await forget(name);
  await look();
  expect(await eventsOf(name)).toEqual(['created', 'ended it has no more times']);
  await store.schedules.change({ project, name, written: { endAt: null }, actor });
  await push(name);
  expect(await isThere(name)).toBe(true);
  expect(await find(name)).toMatchObject({ endedAt: null, nextAt: expect.any(String) });
  await store.schedules.remove({ project, name }, actor);
  await push(name);
});

it('one that is deleted there before is deleted here', async () => {
  const name = 'deleted';
  await create(name, { interval: { every: '1s' }, limit: 1 });
  await ended(name);
  await handle(name).delete();
  await until(async () => {
    await look();
    return (await eventsOf(name)).includes("deleted with Temporal's own tools") || undefined;
  }, 'it shows as deleted');
  await expect(find(name)).rejects.toMatchObject({ code: 'SCHEDULE_UNKNOWN' });
});
