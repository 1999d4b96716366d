// Schedules that are not in Temporal any more: deleted by somebody, or lost with Temporal's data.
import { ServiceError } from '@temporalio/client';
import { expect, it } from 'vitest';
import { beginScheduleTenure, mirrorSchedules } from '../../watch/schedules/mirror-schedules.ts';
import { useEngine } from '../support/engine.ts';
import { createScheduling } from '../support/scheduling.ts';
import { useSql } from '../support/sql.ts';
import { temporalCli } from '../support/temporal-cli.ts';

const engine = await useEngine([], undefined, { isIdle: true });
const { store, client, taskQueue, databaseUrl } = engine;
const sql = await useSql(databaseUrl);
const actor = 'test';
const project = `lost-${taskQueue.slice(-8)}`;
await engine.push({ project, jobs: { a: { kind: 'upload', config: { file: 'a.csv' } } } });
const { push, look } = createScheduling(engine, project);

const find = (name: string) => store.schedules.get({ project, name });
const handle = (name: string) => client.schedule.getHandle(`${project}/${name}`);

async function create(name: string, written: object): Promise<void> {
  await store.schedules.create({ project, name, written, paused: true, note: null, actor });
  await push(name);
}

/** As if it had fired twice, been triggered here and there, and had a backfill. */
const storeRuns = (name: string) =>
  sql.query(
    `INSERT INTO graph_run (id, project_id, project_name, version, state, origin, workflow_id, schedule_id, scheduled_at, is_slot,
       created_by, updated_by, started_at, completed_at)
     SELECT gen_random_uuid(), s.project_id, $2, 1, 'SUCCESS', m.origin::run_origin, gen_random_uuid()::text, s.id, m.at::timestamptz,
       m.is_slot, 'test', 'test', now(), now()
     FROM schedule s, (VALUES ('schedule', '2026-01-01T09:00Z', true), ('schedule', '2026-01-02T09:00Z', true),
       ('api', '2026-01-02T09:00Z', false), ('schedule', '2026-01-02T10:00Z', false), ('backfill', '2026-01-03T09:00Z', true))
       AS m (origin, at, is_slot)
     WHERE s.temporal_id = $1 AND s.deleted_at IS NULL`,
    [`${project}/${name}`, project],
  );

const createOutside = (name: string) =>
  temporalCli(
    ...[
      'schedule',
      'create',
      '--schedule-id',
      `${project}/${name}`,
      '--type',
      'graphRun',
      '--task-queue',
      taskQueue,
    ],
    ...['--workflow-id', `${project}/${name}`, '--interval', '6h', '--input', JSON.stringify({ project })],
  );

async function eventsOf(name: string): Promise<string[]> {
  const { items } = await store.events.list({ after: 0, limit: 500, project });
  const own = items.filter(({ type, schedule }) => type === 'schedule' && schedule === name);
  return own.map(({ reason, actor: by }) => `${reason} ${by}`);
}

const ours = ['a', 'b', 'c', 'd'];

it('do not count as deleted where Temporal is another one, but are made there again', async () => {
  for (const name of ours) await create(name, { cron: '0 9 * * *', timezone: 'UTC' });
  await create('over', { cron: '0 9 * * *' });
  const written = { endAt: '2026-01-01T00:00:00Z' };
  await store.schedules.change({ project, name: 'over', written, actor });
  await push('over');
  await createOutside('outside');
  await look();
  expect((await find('over')).endedAt).not.toBeNull();
  // As after a start with no data.
  await sql.query(`UPDATE watch SET namespace_id = 'of the one before'`);
  for (const name of [...ours, 'over', 'outside']) await handle(name).delete();
  await expect(look()).rejects.toThrow('lost its data');

  for (const name of [...ours, 'over', 'outside']) await push(name);
  for (const name of ours) {
    expect((await handle(name).describe()).state.paused).toBe(true);
    expect(await find(name)).toMatchObject({ isApplied: true, form: 'plain' });
    expect(await eventsOf(name)).toEqual(['created test', 'lost temporal']);
  }
  // What fires no more needs not be there, and the times of this one were in Temporal alone.
  await expect(handle('over').describe()).rejects.toThrow('not found');
  expect(await find('outside')).toMatchObject({
    isApplied: false,
    problem: expect.stringContaining('make it there again'),
  });
  await look();
  await find('over');
  await createOutside('outside');
  await sql.query('UPDATE schedule SET push_after = NULL');
  await push('outside');
  expect(await find('outside')).toMatchObject({ isApplied: true, form: 'temporal', problem: null });
});

it('count as deleted where it is the same one, however many they are', async () => {
  for (const name of [...ours, 'outside']) await handle(name).delete();
  await look();
  const { items } = await store.schedules.list(project, { limit: 50 });
  expect(items.map(({ name }) => name)).toEqual(['over']);
});

it('are not made there again only to get more times', async () => {
  await create('renewed', { cron: '0 9 * * *' });
  const temporalId = `${project}/renewed`;
  const runOut = () =>
    sql.query('UPDATE schedule SET pushed_until = now() WHERE temporal_id = $1', [temporalId]);
  const renewed = `SELECT FROM schedule WHERE temporal_id = $1 AND pushed_until > now() + interval '700 days'`;
  await runOut();
  await push('renewed');
  expect(await sql.query(renewed, [temporalId])).toHaveLength(1);
  await runOut();
  await handle('renewed').delete();
  await push('renewed');
  await expect(handle('renewed').describe()).rejects.toThrow('not found');
  await look();
  await expect(find('renewed')).rejects.toMatchObject({ code: 'SCHEDULE_UNKNOWN' });
  expect(await eventsOf('renewed')).toEqual(['created test', 'deleted temporal']);
});

it('that are unknown here, and that Temporal does not answer of, are asked for again', async () => {
  const asked: string[] = [];
  const schedules = {
    ...engine.temporal.schedules,
    list: async function* () {
      const shown = { paused: false, note: '', times: '', isOver: false };
      yield [{ ...shown, temporalId: 'elsewhere', workflowType: 'graphRun' }];
    },
    describe: async (temporalId: string) => {
      asked.push(temporalId);
      throw new ServiceError('no poller seen for task queue recently');
    },
  };
  const errors: unknown[] = [];
  const tenure = beginScheduleTenure();
  const { signal } = new AbortController();
  const options = {
    store,
    temporal: { schedules },
    taskQueue,
    signal,
    onError: (e: unknown) => errors.push(e),
  };
  for (const _ of [1, 2]) {
    tenure.lookedAt = Number.NEGATIVE_INFINITY;
    await mirrorSchedules(options, tenure);
  }
  expect(asked.filter((id) => id === 'elsewhere')).toHaveLength(2);
  // What is ours, and is not listed, is asked for as well: that it is not answered is told.
  expect(errors).toHaveLength(asked.length - 2);
});

it('take up the count of their runs, where these have a limit', async () => {
  await create('limited', { cron: '0 9 * * *', limit: 5 });
  await create('used', { cron: '0 9 * * *', limit: 2 });
  await create('raised', { cron: '0 9 * * *', limit: 2 });
  for (const name of ['limited', 'used', 'raised']) {
    await storeRuns(name);
    await handle(name).delete();
  }
  await store.schedules.change({ project, name: 'raised', written: { limit: 4 }, actor });
  await sql.query(`UPDATE watch SET namespace_id = 'of the one before'`);
  await expect(look()).rejects.toThrow('lost its data');
  for (const name of ['limited', 'used', 'raised']) await push(name);
  const leftOf = async (name: string) => (await handle(name).describe()).state.remainingActions;
  // Of another limit none were made.
  expect([await leftOf('limited'), await leftOf('used'), await leftOf('raised')]).toEqual([3, 0, 4]);

  await look();
  expect((await find('limited')).endedAt).toBeNull();
  expect(await find('used')).toMatchObject({ endedAt: expect.any(String), isApplied: true });
  const { items } = await store.events.list({ after: 0, limit: 500, project });
  expect(items.findLast(({ schedule }) => schedule === 'used')).toMatchObject({
    reason: 'ended',
    note: 'its limit of runs is used up',
  });
});
