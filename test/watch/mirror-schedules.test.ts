// What `temporal schedule …` does shows here within seconds.
import { expect, it } from 'vitest';
import type { GraphRunView } from '../../graph/resources.ts';
import type { ScheduleView } from '../../graph/schedules/resources.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { temporalCli } from '../support/temporal-cli.ts';
import { until } from '../support/until.ts';
import { useWatch } from '../support/watch.ts';

const engine = await useEngine(createTestKinds().kinds);
const { store, taskQueue, client } = engine;
// A call that is not answered in time is made again.
useWatch(engine, { onError: () => {} });
const actor = 'test';
const project = `mirror-${taskQueue.slice(-8)}`;
await engine.push({ project, params: { n: { default: 1 } }, jobs: { a: { kind: 'noop' } } });

/** How long each command took to show, in milliseconds. */
const shownAfter: number[] = [];
const shownWithinMs = 5_000;

/** What a command does, shown in time; how long it took is printed. */
async function shows<Shown>(
  command: string,
  args: readonly string[],
  ask: () => Promise<Shown | undefined>,
): Promise<Shown> {
  await temporalCli('schedule', command, ...args);
  const begun = performance.now();
  const shown = await until(ask, `what "temporal schedule ${command}" does shows`);
  shownAfter.push(performance.now() - begun);
  process.stderr.write(`schedule ${command}: shown after ${Math.round(shownAfter.at(-1) ?? 0)} ms\n`);
  return shown;
}

const find = (name: string): Promise<ScheduleView | undefined> =>
  store.schedules.get({ project, name }).catch(() => undefined);

async function eventsOf(name: string): Promise<string[]> {
  const { items } = await store.events.list({ after: 0, limit: 500, project });
  const own = items.filter(({ type, schedule }) => type === 'schedule' && schedule === name);
  return own.map(({ reason, actor: by, note }) => [reason, by, note].join(' ').trim());
}

async function runsOf(name: string): Promise<GraphRunView[]> {
  const { items } = await store.graphRuns.list({ project }, { limit: 100 });
  return items.filter(({ schedule }) => schedule === name);
}

const input = (more: object = {}) => JSON.stringify({ project, ...more });

function create(name: string, ...more: string[]): string[] {
  const workflow = ['--type', 'graphRun', '--task-queue', taskQueue, '--workflow-id', `${project}/${name}`];
  return ['--schedule-id', `${project}/${name}`, ...workflow, ...more];
}

const byId = (name: string) => ['--schedule-id', `${project}/${name}`];

it('each command of `temporal schedule` shows, with its origin', async () => {
  const name = 'outside';
  const made = await shows(
    'create',
    create(
      name,
      '--cron',
      '30 2 * * *',
      '--time-zone',
      'Europe/Berlin',
      '--input',
      input({ params: { n: 2 } }),
    ),
    () => find(name),
  );
  expect(made).toMatchObject({
    origin: 'temporal',
    form: 'temporal',
    isApplied: true,
    paused: false,
    timezone: 'Europe/Berlin',
    definition: { params: { n: 2 }, overlap: 'skip' },
    temporalSpec: { structuredCalendar: [expect.anything()] },
    createdBy: 'temporal',
  });

  const paused = await shows('toggle', [...byId(name), '--pause', '--reason', 'not today'], async () => {
    const view = await find(name);
    return view?.paused ? view : undefined;
  });
  expect(paused).toMatchObject({ note: 'not today', updatedBy: 'temporal' });
  await shows('toggle', [...byId(name), '--unpause', '--reason', 'now'], async () =>
    (await find(name))?.paused === false ? true : undefined,
  );

  const runs = await shows('trigger', byId(name), async () => {
    const found = await runsOf(name);
    return found.length > 0 ? found : undefined;
  });
  expect(runs).toMatchObject([{ origin: 'schedule', schedule: name, params: { n: 2 } }]);

  const times = ['--start-time', '2026-01-01T00:00:00Z', '--end-time', '2026-01-04T00:00:00Z'];
  const filled = await shows(
    'backfill',
    [...byId(name), ...times, '--overlap-policy', 'AllowAll'],
    async () => {
      const found = await runsOf(name);
      return found.length >= 4 ? found : undefined;
    },
  );
  expect(
    filled
      .map(({ scheduledAt }) => scheduledAt)
      .toSorted()
      .slice(0, 3),
  ).toEqual(['2026-01-01T01:30:00.000Z', '2026-01-02T01:30:00.000Z', '2026-01-03T01:30:00.000Z']);

  const changed = await shows(
    'update',
    create(name, '--interval', '6h', '--overlap-policy', 'BufferOne', '--input', input()),
    async () => {
      const view = await find(name);
      return view?.definition.overlap === 'buffer_one' ? view : undefined;
    },
  );
  expect(changed).toMatchObject({ timezone: 'UTC', temporalSpec: { interval: [expect.anything()] } });
  expect(changed.definition).not.toHaveProperty('params');

  await shows('delete', byId(name), async () => ((await find(name)) ? undefined : true));
  expect(await eventsOf(name)).toEqual([
    'created temporal',
    'paused temporal not today',
    'unpaused temporal now',
    "changed temporal with Temporal's own tools",
    "deleted temporal with Temporal's own tools",
  ]);
  expect(await runsOf(name)).toHaveLength(4);
  // A server that is busy leaves a call unanswered now and then, for five seconds: that is one of them, and not most.
  const inTime = shownAfter.filter((elapsedMs) => elapsedMs < shownWithinMs);
  expect(inTime.length * 2).toBeGreaterThan(shownAfter.length);
}, 120_000);

it('a schedule of ours that is changed there stands in the words of Temporal, until it is changed here', async () => {
  const name = 'ours';
  const written = { cron: '0 9 * * *', timezone: 'UTC' };
  await store.schedules.create({ project, name, written, paused: true, note: null, actor });
  await until(async () => ((await find(name))?.isApplied ? true : undefined), 'Temporal has it');
  await shows('update', create(name, '--cron', '0 10 * * *', '--paused', '--input', input()), async () =>
    (await find(name))?.form === 'temporal' ? true : undefined,
  );
  await store.schedules.change({ project, name, written: { cron: '0 11 * * *' }, actor });
  const back = await until(async () => {
    const view = await find(name);
    return view?.isApplied ? view : undefined;
  }, 'Temporal has the change');
  expect(back).toMatchObject({ form: 'plain', temporalSpec: null, definition: { cron: '0 11 * * *' } });
  const { spec } = await client.schedule.getHandle(`${project}/${name}`).describe();
  expect(spec.calendars).toMatchObject([{ comment: '0 11 * * *', hour: [{ start: 11 }] }]);
  expect(await eventsOf(name)).toEqual([
    'created test',
    "changed temporal with Temporal's own tools",
    'changed test',
  ]);
});

it('one in the words of Temporal is paused and deleted from here, and keeps its times', async () => {
  const name = 'mixed';
  await temporalCli('schedule', 'create', ...create(name, '--interval', '6h', '--input', input()));
  await until(() => find(name), 'it shows');
  await store.schedules.pause({ project, name, paused: true, note: 'from here', actor });
  const handle = client.schedule.getHandle(`${project}/${name}`);
  await until(
    async () => ((await handle.describe()).state.paused ? true : undefined),
    'Temporal has the pause',
  );
  const { spec, state } = await handle.describe();
  expect([spec.intervals?.[0]?.every, state.note]).toEqual([6 * 3_600_000, 'from here']);
  await store.schedules.remove({ project, name }, actor);
  await until(
    () =>
      handle.describe().then(
        () => undefined,
        () => true,
      ),
    'Temporal has none',
  );
  expect(await eventsOf(name)).toEqual(['created temporal', 'paused test from here', 'deleted test']);
});

it('one that runs no graph, or on another queue, is none of ours', async () => {
  const other = ['--workflow-id', 'x', '--task-queue', taskQueue, '--interval', '6h', '--input', input()];
  await temporalCli(
    'schedule',
    'create',
    '--schedule-id',
    `${project}/no-graph`,
    '--type',
    'other',
    ...other,
  );
  await temporalCli('schedule', 'create', ...create('seen', '--interval', '6h', '--input', input()));
  await until(() => find('seen'), 'a later one shows');
  expect(await find('no-graph')).toBeUndefined();
  for (const name of ['no-graph', 'seen']) await temporalCli('schedule', 'delete', ...byId(name));
});

it('text that Postgres cannot store shows with a mark in its place, and once', async () => {
  const name = 'odd';
  const params = { half: '\ud800' };
  const spec = ['--interval', '6h', '--input', JSON.stringify({ project, params })];
  await temporalCli('schedule', 'create', ...create(name, ...spec));
  expect((await until(() => find(name), 'it shows')).definition).toMatchObject({
    params: { half: '\ufffd' },
  });
  const handle = client.schedule.getHandle(`${project}/${name}`);
  await handle.pause('a\0b');
  await until(async () => ((await find(name))?.paused ? true : undefined), 'the pause shows');
  await handle.unpause('c\0d');
  await until(async () => ((await find(name))?.paused === false ? true : undefined), 'its end shows');
  expect(await eventsOf(name)).toEqual([
    'created temporal',
    'paused temporal a\ufffdb',
    'unpaused temporal c\ufffdd',
  ]);
  await temporalCli('schedule', 'delete', ...byId(name));
});

it('one that Temporal pauses when a run fails shows so, with why', async () => {
  const name = 'failing';
  const other = `${project}-fails`;
  await engine.push({
    project: other,
    jobs: { bad: { kind: 'flaky', config: { failures: 9 }, retry: { maximumAttempts: 1 } } },
  });
  const written = { interval: { every: '1s' }, pauseOnFailure: true };
  await store.schedules.create({ project: other, name, written, paused: false, note: null, actor });
  const view = await until(async () => {
    const found = await store.schedules.get({ project: other, name });
    return found.paused ? found : undefined;
  }, 'it shows as paused');
  expect(view).toMatchObject({
    updatedBy: 'temporal',
    note: expect.stringMatching(/paused due to workflow failure/),
  });
  await store.schedules.remove({ project: other, name }, actor);
});
