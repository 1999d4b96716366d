// Runs that a real Schedule of Temporal starts.
import { afterAll, expect, it } from 'vitest';
import type { GraphRunView } from '../../graph/resources.ts';
import { jobRunIdOf } from '../../store/index.ts';
import { pushOne } from '../../watch/schedules/push-schedules.ts';
import { createStarter } from '../../watch/starter.ts';
import { replay, takeHistory } from '../replay/histories.ts';
import { useEngine } from '../support/engine.ts';
import { expectProved } from '../support/expect-proved.ts';
import { createTestKinds } from '../support/kinds.ts';
import { until } from '../support/until.ts';

const engine = await useEngine(createTestKinds().kinds);
const { store, client, taskQueue, temporalAddress: address } = engine;
const starter = createStarter({ temporal: { address, namespace: 'default' }, taskQueue });
afterAll(() => starter.close());
const actor = 'test';
const project = `fired-${taskQueue.slice(-8)}`;
const config = { text: 'of {{ run.scheduledAt }}' };
await engine.push({ project, jobs: { a: { kind: 'echo', config } } });

async function push(name: string): Promise<void> {
  await pushOne({ store, starter }, (await store.schedules.idOf(project, name)) ?? '');
}

async function create(name: string, written: object) {
  await store.schedules.create({ project, name, written, paused: true, note: null, actor });
  await push(name);
  return client.schedule.getHandle(`${project}/${name}`);
}

async function runsOf(name: string): Promise<GraphRunView[]> {
  const { items } = await store.graphRuns.list({ project, state: 'SUCCESS' }, { limit: 100 });
  return items.filter(({ schedule }) => schedule === name);
}

const ended = (name: string, count: number) =>
  until(async () => {
    const runs = await runsOf(name);
    return runs.length >= count ? runs : undefined;
  }, `${count} runs of ${name} have ended`);

async function droppedOf(name: string): Promise<string[]> {
  const { items } = await store.events.list({ after: 0, limit: 500, project });
  return items.flatMap(({ schedule, reason, note }) =>
    schedule === name && reason === 'dropped' ? [note ?? ''] : [],
  );
}

/** What its job was given. */
async function textOf(graphRunId: string): Promise<unknown> {
  const { output } = await store.jobRuns.get(jobRunIdOf(graphRunId, 'a'));
  return (output as { text: unknown }).text;
}

it('a run of no schedule has the time at which it was created', async () => {
  const run = await engine.run(project);
  expect([run.scheduledAt, await textOf(run.id)]).toEqual([null, `of ${run.createdAt}`]);
});

it('a trigger runs at once, and is of no time of the schedule', async () => {
  const schedule = await create('triggered', { cron: '@yearly' });
  const before = Date.now();
  await schedule.trigger();
  const [run] = await ended('triggered', 1);
  expect(run).toMatchObject({ origin: 'schedule', schedule: 'triggered' });
  expect(Math.abs(Date.parse(run?.scheduledAt ?? '') - before)).toBeLessThan(10_000);
  await expectProved(engine, run?.id ?? '');
  await schedule.delete();
});

it('each time makes one run, though it is asked for twice', async () => {
  const schedule = await create('filled', { cron: '@hourly', overlap: 'allow_all' });
  const end = new Date('2026-01-01T06:30:00Z');
  const backfill = { start: new Date('2026-01-01T00:30:00Z'), end, overlap: 'ALLOW_ALL' } as const;
  await schedule.backfill(backfill);
  const runs = await ended('filled', 6);
  expect(runs.map(({ scheduledAt }) => scheduledAt).toSorted()).toEqual(
    [1, 2, 3, 4, 5, 6].map((hour) => `2026-01-01T0${hour}:00:00.000Z`),
  );
  // Temporal starts none of the id of one that is open: its row ends a little before it does.
  await Promise.all(runs.map(({ workflowId }) => client.workflow.getHandle(workflowId).result()));
  await schedule.backfill({ ...backfill, start: new Date('2026-01-01T04:30:00Z') });
  await until(async () => ((await droppedOf('filled')).length >= 2 ? true : undefined), 'both are dropped');
  expect((await droppedOf('filled')).toSorted()).toEqual([
    '2026-01-01T05:00:00.000Z: a run was made for this time before',
    '2026-01-01T06:00:00.000Z: a run was made for this time before',
  ]);
  expect(await runsOf('filled')).toHaveLength(6);

  const [run] = runs;
  expect(await textOf(run?.id ?? '')).toBe(`of ${run?.scheduledAt}`);
  const history = await takeHistory('scheduled', client.workflow.getHandle(run?.workflowId ?? ''));
  expect(await replay('scheduled', history)).toBeUndefined();
  const dropped = await until(async () => {
    const query = `TemporalScheduledById = '${project}/filled' AND ExecutionStatus = 'Completed'`;
    for await (const { workflowId, runId } of client.workflow.list({ query })) {
      const handle = client.workflow.getHandle(workflowId, runId);
      if ('dropped' in (await handle.result())) return handle;
    }
    return undefined;
  }, 'Temporal lists a dropped one');
  expect(await replay('dropped', await takeHistory('dropped', dropped))).toBeUndefined();
  await schedule.delete();
});

it('times that are changed or deleted before they come make no run', async () => {
  const schedule = await create('gone', { interval: { every: '1s' } });
  // Temporal has not heard of it yet.
  await store.schedules.remove({ project, name: 'gone' }, actor);
  await schedule.unpause();
  await until(async () => ((await droppedOf('gone')).length > 0 ? true : undefined), 'a time is dropped');
  await push('gone');
  expect((await droppedOf('gone'))[0]).toMatch(/Z: the schedule was deleted$/);
  expect(await runsOf('gone')).toEqual([]);
});
