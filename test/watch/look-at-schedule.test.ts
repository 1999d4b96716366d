// Schedules that are changed with Temporal's own tools right before they fire. No watch runs here.
import { beforeEach, expect, it } from 'vitest';
import { followExecution } from '../../watch/follow-execution.ts';
import type { LookOptions } from '../../watch/schedules/look-at-schedule.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { createScheduling } from '../support/scheduling.ts';
import { useSql } from '../support/sql.ts';
import { temporalCli } from '../support/temporal-cli.ts';
import { until } from '../support/until.ts';

type Describe = LookOptions['temporal']['schedules']['describe'];

const looks: string[] = [];
const problems: unknown[] = [];
// A server that is busy may take longer than a run waits for.
const ask: Describe = (id) =>
  until(async () => engine.temporal.schedules.describe(id).catch(() => undefined), id);
let describe: Describe = ask;
const schedules = {
  describe: (id: string) => {
    looks.push(id);
    return describe(id);
  },
};
const look = { temporal: { schedules }, onError: (error: unknown) => problems.push(error), withinMs: 4_000 };
const engine = await useEngine(createTestKinds().kinds, undefined, { isIdle: true, look });
const { store, client, taskQueue } = engine;
const sql = await useSql(engine.databaseUrl);
const actor = 'test';
const project = `look-${taskQueue.slice(-8)}`;
await engine.push({ project, params: { n: { default: 1 } }, jobs: { a: { kind: 'noop' } } });
const scheduling = createScheduling(engine, project);

beforeEach(() => {
  describe = ask;
  looks.length = 0;
  problems.length = 0;
});

/** One that is made here, and has no time for years. */
async function create(name: string): Promise<void> {
  const written = { cron: '0 0 29 2 *', timezone: 'UTC' };
  await store.schedules.create({ project, name, written, paused: false, note: null, actor });
  await scheduling.push(name);
}

/** In Temporal alone: it fires once, in a moment, with another argument. Answers with the time. */
async function fireSoon(name: string): Promise<Date> {
  const at = new Date(Math.ceil((Date.now() + 2_000) / 1_000) * 1_000);
  const once = {
    year: at.getUTCFullYear(),
    month: months[at.getUTCMonth()] ?? 'JANUARY',
    dayOfMonth: at.getUTCDate(),
    hour: at.getUTCHours(),
    minute: at.getUTCMinutes(),
    second: at.getUTCSeconds(),
  };
  await client.schedule.getHandle(`${project}/${name}`).update((before) => ({
    ...before,
    spec: { calendars: [once], timezone: 'UTC' },
    policies: { ...before.policies, overlap: 'BUFFER_ONE' },
    action: { ...before.action, args: [{ project, params: { n: 2 } }] },
  }));
  return at;
}

const months = [
  ...(['JANUARY', 'FEBRUARY', 'MARCH', 'APRIL', 'MAY', 'JUNE', 'JULY'] as const),
  ...(['AUGUST', 'SEPTEMBER', 'OCTOBER', 'NOVEMBER', 'DECEMBER'] as const),
];

interface RunRow {
  readonly state: string;
  readonly is_slot: boolean;
  readonly scheduled_at: Date;
  readonly name: string | null;
  readonly workflow_id: string;
  readonly params: unknown;
}

/** The only run of a schedule in Temporal. */
const runOf = (name: string, state: string) =>
  until(async () => {
    const rows = await sql.query<RunRow>(
      `SELECT r.state, r.is_slot, r.scheduled_at, s.name, r.workflow_id, r.params
       FROM graph_run r LEFT JOIN schedule s ON s.id = r.schedule_id WHERE r.workflow_id LIKE $1 AND r.state::text = $2`,
      [`${project}/${name}%`, state],
    );
    return rows[0];
  }, `the run of ${name} is ${state}`);

const changed = {
  form: 'temporal',
  isApplied: true,
  definition: { overlap: 'buffer_one', params: { n: 2 } },
};

it('the watch looks at a schedule before it makes the row of its run, which its worker takes without another look', async () => {
  const name = 'watched';
  await create(name);
  const at = await fireSoon(name);
  const execution = await until(async () => {
    const { info } = await client.schedule.getHandle(`${project}/${name}`).describe();
    return info.recentActions[0]?.action.workflow;
  }, 'it fires');
  const { workflowId, firstExecutionRunId: runId } = execution;
  const deps = { ...engine, actor: 'watch' };
  expect(await followExecution(deps, { workflowId, runId })).toEqual(['opened']);
  expect(await store.schedules.get({ project, name })).toMatchObject(changed);
  expect(await runOf(name, 'PENDING')).toMatchObject({ is_slot: true, scheduled_at: at, name });
  await engine.startWorkers();
  expect(await runOf(name, 'SUCCESS')).toMatchObject({ workflow_id: workflowId, scheduled_at: at });
  expect(looks).toEqual([]);
});

it('a time that a schedule has since it was changed with the tools of Temporal is one of its times', async () => {
  const name = 'changed';
  await create(name);
  const at = await fireSoon(name);
  const run = await runOf(name, 'SUCCESS');
  expect(run).toMatchObject({ is_slot: true, scheduled_at: at, name, params: { n: 2 } });
  expect(await store.schedules.get({ project, name })).toMatchObject(changed);
  expect(looks).toEqual([`${project}/${name}`]);
  const { items } = await store.events.list({ after: 0, limit: 500, project });
  const told = items.filter(({ schedule }) => schedule === name);
  expect(told.map(({ type, reason, actor: by }) => [type, reason, by])).toContainEqual([
    ...['schedule', 'changed', 'temporal'],
  ]);
});

it('a schedule that the CLI makes and that fires at once has its row before its run', async () => {
  const name = 'made';
  const workflow = ['--type', 'graphRun', '--task-queue', taskQueue, '--workflow-id', `${project}/${name}`];
  const times = ['--interval', '1s', '--remaining-actions', '1'];
  const input = ['--input', JSON.stringify({ project })];
  await temporalCli(
    'schedule',
    'create',
    '--schedule-id',
    `${project}/${name}`,
    ...workflow,
    ...times,
    ...input,
  );
  expect(await runOf(name, 'SUCCESS')).toMatchObject({ is_slot: true, name });
  expect(await store.schedules.get({ project, name })).toMatchObject({
    origin: 'temporal',
    form: 'temporal',
  });
});

it.each([
  ['does not answer', () => new Promise<never>(() => {}), /nothing was heard of the schedule .*unanswered/],
  ['cannot be asked', () => Promise.reject(new Error('it is away')), /it is away/],
] as const)(
  'a run is opened by what is known of its schedule where Temporal %s',
  async (what, answer, told) => {
    const name = what === 'does not answer' ? 'unanswered' : 'away';
    describe = answer;
    await create(name);
    const at = await fireSoon(name);
    // A time that nobody here knows of.
    expect(await runOf(name, 'SUCCESS')).toMatchObject({ is_slot: false, scheduled_at: at, name });
    expect(problems).toMatchObject([{ message: expect.stringMatching(told) }]);
    expect(await store.schedules.get({ project, name })).toMatchObject({ form: 'plain' });
  },
);
