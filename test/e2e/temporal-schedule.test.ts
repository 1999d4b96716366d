// Each command of `temporal schedule` against a running stack, read back through its API.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { createClient, type GraphRunView, type ScheduleView } from '../../client/index.ts';
import { useStack } from '../support/stack.ts';
import { until } from '../support/until.ts';

const { info } = await useStack();
const client = createClient({ url: info.apiUrl, apiKey: info.apiKey });
const project = 'shop';
const name = 'nightly';
const byId = ['--schedule-id', `${project}/${name}`];
const workflow = ['--type', 'graphRun', '--task-queue', 'graphrun', '--workflow-id', `${project}/${name}`];
await client.projects.create({ name: project });
await client.graphs.push(project, {
  project,
  params: { n: { default: 1 } },
  jobs: { a: { kind: 'transform', config: { sql: 'select 1 as n' } } },
});

const shownWithinMs = 5_000;
/** Command, and how long it took to show. */
const times: string[] = [];
afterAll(() => process.stderr.write(`temporal schedule, shown in the API after: ${times.join(', ')}\n`));

async function temporal(command: string, ...args: readonly string[]): Promise<string> {
  const all = ['schedule', command, ...args, '--address', info.temporalAddress];
  return (await promisify(execFile)(info.temporalCli ?? 'temporal', all)).stdout;
}

/** What the command does is in the API in time. */
async function shows<Shown>(
  command: string,
  args: readonly string[],
  ask: () => Promise<Shown | undefined>,
): Promise<Shown> {
  await temporal(command, ...args);
  const begun = performance.now();
  const shown = await until(ask, `what "temporal schedule ${command}" does shows`, shownWithinMs);
  times.push(`${command} ${Math.round(performance.now() - begun)} ms`);
  return shown;
}

/** The schedule, once it is so. */
const once = (holds: (view: ScheduleView) => boolean) => async () => {
  const view = await client.schedules.get(project, name).catch(() => undefined);
  return view && holds(view) ? view : undefined;
};

const runs = async (): Promise<GraphRunView[]> =>
  (await client.graphRuns.list({ project })).items.filter(({ schedule }) => schedule === name);

const atLeast = (count: number) => async () => {
  const found = await runs();
  return found.length >= count ? found : undefined;
};

it('create shows as a schedule of the project, with its origin', async () => {
  const input = ['--input', JSON.stringify({ project, params: { n: 2 } })];
  const cron = ['--cron', '30 2 * * *', '--time-zone', 'Europe/Berlin'];
  const made = await shows(
    'create',
    [...byId, ...workflow, ...cron, ...input],
    once(() => true),
  );
  expect(made).toMatchObject({
    origin: 'temporal',
    form: 'temporal',
    timezone: 'Europe/Berlin',
    paused: false,
  });
  expect(made.definition.params).toEqual({ n: 2 });
  const { readBy, timezone, items } = await client.schedules.preview(project, name, { count: 2 });
  expect([readBy, timezone, items.map(({ local }) => local.slice(11, 16))]).toEqual([
    'temporal',
    'Europe/Berlin',
    ['02:30', '02:30'],
  ]);
});

it('list and describe show what the API shows, also of a schedule that was made here', async () => {
  await client.schedules.create(project, {
    name: 'ours',
    cron: '0 9 * * *',
    timezone: 'UTC',
    note: 'by hand',
  });
  const ids = await until(async () => {
    const listed: { scheduleId: string }[] = JSON.parse(await temporal('list', '--output', 'json'));
    const found = listed.map(({ scheduleId }) => scheduleId).toSorted();
    return found.length >= 2 ? found : undefined;
  }, 'Temporal lists both');
  const { items } = await client.schedules.list(project);
  expect(ids).toEqual(items.map(({ temporalId }) => temporalId).toSorted());
  const told = await temporal('describe', '--schedule-id', `${project}/ours`);
  expect(told).toContain('0 9 * * *');
  expect(told).toContain('by hand');
  expect((await client.schedules.get(project, 'ours')).isApplied).toBe(true);
});

it('toggle --pause and --unpause show, with the reason and who', async () => {
  const paused = await shows(
    'toggle',
    [...byId, '--pause', '--reason', 'not today'],
    once((view) => view.paused),
  );
  expect(paused).toMatchObject({ note: 'not today', updatedBy: 'temporal', nextAt: null });
  const going = await shows(
    'toggle',
    [...byId, '--unpause', '--reason', 'again'],
    once((view) => !view.paused),
  );
  expect(going).toMatchObject({ note: 'again', updatedBy: 'temporal' });
});

it('trigger shows as a run of the schedule', async () => {
  const [run] = await shows('trigger', byId, atLeast(1));
  expect(run).toMatchObject({ origin: 'schedule', schedule: name, params: { n: 2 } });
});

it('backfill shows as a run of each time', async () => {
  const from = ['--start-time', '2026-01-01T00:00:00Z', '--end-time', '2026-01-04T00:00:00Z'];
  const found = await shows('backfill', [...byId, ...from, '--overlap-policy', 'AllowAll'], atLeast(4));
  const slots = found.map(({ scheduledAt }) => scheduledAt?.slice(0, 16)).toSorted();
  expect(slots.slice(0, 3)).toEqual(['2026-01-01T01:30', '2026-01-02T01:30', '2026-01-03T01:30']);
});

it('update shows: its times, its policies and what it runs', async () => {
  const change = [
    '--interval',
    '6h',
    '--overlap-policy',
    'BufferOne',
    '--input',
    JSON.stringify({ project }),
  ];
  const changed = await shows(
    'update',
    [...byId, ...workflow, ...change],
    once(({ definition }) => definition.overlap === 'buffer_one'),
  );
  expect(changed).toMatchObject({ temporalSpec: { interval: [expect.anything()] }, updatedBy: 'temporal' });
  expect(changed.definition).not.toHaveProperty('params');
});

it('delete shows: there is none any more, and its runs stay', async () => {
  await shows('delete', byId, async () => ((await once(() => true)()) ? undefined : true));
  expect(await runs()).toHaveLength(4);
  const { items } = await client.events.list({ project, limit: 500 });
  const told = items.filter(({ type, schedule }) => type === 'schedule' && schedule === name);
  expect(told.map(({ reason, actor }) => `${reason} by ${actor}`)).toEqual([
    'created by temporal',
    'paused by temporal',
    'unpaused by temporal',
    'changed by temporal',
    'deleted by temporal',
  ]);
});
