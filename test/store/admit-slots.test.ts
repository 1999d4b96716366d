import { afterAll, expect, test } from 'vitest';
import type { GraphRunView } from '../../graph/resources.ts';
import { createKinds } from '../../jobs/index.ts';
import type { Fired } from '../../store/admit-slots.ts';
import { createStore } from '../../store/index.ts';
import { useDatabases } from '../support/databases.ts';
import { pushGraph } from '../support/push-graph.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
afterAll(() => store.close());
const sql = await useSql(databaseUrl);
const actor = 'test';
const hourMs = 3_600_000;
/** Schedules fire at this minute of each hour: half an hour ago, so that no time passes while the tests run. */
const minute = (new Date().getUTCMinutes() + 30) % 60;
/** Their last time. */
const hour = new Date(Math.floor((Date.now() - minute * 60_000) / hourMs) * hourMs + minute * 60_000);
const before = (hours: number) => new Date(hour.getTime() - hours * hourMs);
let made = 0;

/** A project with a schedule that is older than all that it fires. */
async function makeSchedule(catchUp: object): Promise<string> {
  made += 1;
  const project = `p-${made}`;
  await pushGraph(store, createKinds(), {
    project,
    jobs: { a: { kind: 'upload', config: { file: 'a.csv' } } },
  });
  const written = { cron: `${minute} * * * *`, catchUp, overlap: 'buffer_all' };
  await store.schedules.create({ project, name: 's', written, paused: false, note: null, actor });
  await sql.query('UPDATE schedule SET pushed_revision = revision');
  return project;
}

const age = (project: string) =>
  sql.query(
    `UPDATE schedule SET updated_at = now() - interval '2 days', defined_at = now() - interval '2 days' WHERE temporal_id = $1`,
    [`${project}/s`],
  );

function execution(at: Date) {
  made += 1;
  const runId = `run-${made}`;
  return { identity: { workflowId: `s-${at.toISOString()}-${made}`, runId, firstExecutionRunId: runId }, at };
}

async function open(project: string, { identity, at }: ReturnType<typeof execution>, startedAt = at) {
  const scheduled: Fired = { by: `${project}/s`, at, startedAt };
  const asked = { project, params: {}, select: null, actor };
  return store.execution.openGraphRun({ identity, known: null, ...asked, scheduled });
}

/** As the watch makes its row while no worker is up. */
async function record(project: string, { identity, at }: ReturnType<typeof execution>): Promise<boolean> {
  const scheduled: Fired = { by: `${project}/s`, at, startedAt: at };
  const asked = { project, params: {}, select: null, actor };
  return store.watch.recordGraphRun({ identity, ...asked, scheduled, createdBy: 'workflow:s' });
}

async function runsOf(project: string): Promise<Pick<GraphRunView, 'origin' | 'schedule' | 'scheduledAt'>[]> {
  const { items } = await store.graphRuns.list({ project }, { limit: 50 });
  return items.map(({ origin, schedule, scheduledAt }) => ({ origin, schedule, scheduledAt }));
}

async function eventsOf(project: string): Promise<string[]> {
  const { items } = await store.events.list({ after: 0, limit: 100, project });
  return items
    .filter(({ type }) => type === 'schedule')
    .map(({ reason, note }) => `${reason} ${note ?? ''}`.trim());
}

const of = (at: Date) => ({ origin: 'schedule', schedule: 's', scheduledAt: at.toISOString() });

test('a run knows its schedule and its time', async () => {
  const project = await makeSchedule({});
  await age(project);
  const late = new Date(hour.getTime() - 1);
  expect(await open(project, execution(hour), late)).toMatchObject({ outcome: 'opened' });
  expect(await runsOf(project)).toEqual([of(hour)]);
});

test('a time makes one run, however often it is fired', async () => {
  const project = await makeSchedule({});
  await age(project);
  const [first, ...rest] = await Promise.all([1, 2, 3].map(() => open(project, execution(hour))));
  const outcomes = [first, ...rest].map((opened) => opened?.outcome).toSorted();
  expect(outcomes).toEqual(['dropped', 'dropped', 'opened']);
  expect(await runsOf(project)).toHaveLength(1);
  const note = `dropped ${hour.toISOString()}: a run was made for this time before`;
  expect(await eventsOf(project)).toEqual(['created', note, note]);
});

test('a worker and the watch that make its row at once make one', async () => {
  const project = await makeSchedule({});
  await age(project);
  const fired = execution(hour);
  // Both have found no row by the time that one of them goes on.
  await sql.query('BEGIN');
  await sql.query('SELECT FROM schedule FOR UPDATE');
  const both = Promise.all([open(project, fired), record(project, fired)]);
  const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  await until(async () => ((await sql.query(waiting)).length === 2 ? true : undefined), 'both wait');
  await sql.query('COMMIT');
  expect((await both)[0]).toMatchObject({ outcome: 'opened' });
  expect(await runsOf(project)).toEqual([of(hour)]);
  expect(await eventsOf(project)).toEqual(['created']);
});

test('of the times that workers missed the newest runs', async () => {
  const project = await makeSchedule({ window: '2h' });
  await age(project);
  expect(await open(project, execution(before(3)))).toMatchObject({ outcome: 'opened' });
  expect(await open(project, execution(before(2)))).toMatchObject({ outcome: 'dropped' });
  expect(await runsOf(project)).toEqual([of(hour)]);
  expect((await eventsOf(project)).slice(0, 2)).toEqual([
    'created',
    `relabelled ${before(3).toISOString()} was missed; the run is of ${hour.toISOString()}`,
  ]);
});

test('likewise where the watch has shown them while no worker was up', async () => {
  const project = await makeSchedule({ window: '2h' });
  await age(project);
  const [first, second, third] = [execution(before(2)), execution(before(1)), execution(hour)];
  // Shown when each was fired: nothing later had come by then.
  expect(await record(project, third)).toBe(true);
  expect(await record(project, second)).toBe(false);
  expect(await open(project, first)).toMatchObject({ outcome: 'dropped' });
  expect(await open(project, second)).toMatchObject({ outcome: 'dropped' });
  expect(await open(project, third)).toMatchObject({ outcome: 'opened' });
  expect(await runsOf(project)).toEqual([of(hour)]);
});

test.each([
  [{ missed: 'all', window: '12h' }, [0, 1, 2]],
  [{ missed: 'none' }, []],
])('by the policy %j', async (catchUp, expected) => {
  const project = await makeSchedule(catchUp);
  await age(project);
  for (const hours of [2, 1, 0]) await open(project, execution(before(hours)));
  expect(await runsOf(project)).toEqual(expected.map((hours) => of(before(hours))));
});

test('what waited for one that an outage held is late for the outage, also where it ran', async () => {
  const project = await makeSchedule({ missed: 'none' });
  await age(project);
  const now = () => new Date();
  expect(await open(project, execution(before(2)))).toMatchObject({ outcome: 'dropped' });
  expect(await open(project, execution(before(1)), now())).toMatchObject({ outcome: 'dropped' });
  // Nothing that it could have waited for: it was asked for by hand.
  expect(await open(project, execution(before(3)), now())).toMatchObject({ outcome: 'opened' });
  expect(await runsOf(project)).toEqual([of(before(3))]);
});

test('likewise for a trigger, which the watch has shown meanwhile', async () => {
  const project = await makeSchedule({ missed: 'none' });
  await age(project);
  const trigger = execution(new Date(before(2).getTime() + 1_000));
  await record(project, trigger);
  expect(await open(project, trigger)).toMatchObject({ outcome: 'opened' });
  expect(await open(project, execution(before(1)), new Date())).toMatchObject({ outcome: 'dropped' });
  expect(await runsOf(project)).toEqual([of(trigger.at)]);
});

test('what waited for a run that had begun runs', async () => {
  const project = await makeSchedule({ missed: 'none' });
  await age(project);
  const long = execution(before(2));
  expect(await open(project, long, new Date())).toMatchObject({ outcome: 'opened' });
  await sql.query('UPDATE graph_run SET started_at = $2 WHERE workflow_id = $1', [
    long.identity.workflowId,
    before(2),
  ]);
  await open(project, execution(before(3)));
  expect(await open(project, execution(before(1)), new Date())).toMatchObject({ outcome: 'opened' });
  expect(await runsOf(project)).toEqual([of(before(1)), of(before(2))]);
});

test('one that the watch has shown and that is dropped is gone, with an event', async () => {
  const project = await makeSchedule({ missed: 'all', window: '12h' });
  await age(project);
  const shown = execution(before(1));
  expect(await record(project, shown)).toBe(true);
  const { items } = await store.graphRuns.list({ project }, { limit: 1 });
  await store.schedules.change({ project, name: 's', written: { catchUp: { missed: 'none' } }, actor });
  await age(project);
  expect(await open(project, shown)).toEqual({
    outcome: 'dropped',
    message: 'it was missed, and is not caught up with',
  });
  expect(await runsOf(project)).toEqual([]);
  const { items: events } = await store.events.list({ after: 0, limit: 100, project });
  expect(events.at(-1)).toMatchObject({ reason: 'dropped', schedule: 's', graphRunId: items[0]?.id });
});

test('a time that was fired before the times were changed makes one run, and is a time still', async () => {
  const project = await makeSchedule({});
  await age(project);
  const cron = `${(minute + 1) % 60} * * * *`;
  await store.schedules.change({ project, name: 's', written: { cron }, actor });
  await sql.query('UPDATE schedule SET pushed_revision = revision');
  expect(await open(project, execution(hour))).toMatchObject({ outcome: 'opened' });
  expect(await open(project, execution(hour))).toMatchObject({ outcome: 'dropped' });
  expect(await open(project, execution(before(2)))).toMatchObject({ outcome: 'dropped' });
  expect(await runsOf(project)).toEqual([of(hour)]);
  expect(await sql.query('SELECT is_slot FROM graph_run WHERE project_name = $1', [project])).toEqual([
    { is_slot: true },
  ]);
});

test('a time that came before Temporal had the change is of what the schedule was before', async () => {
  const project = await makeSchedule({});
  const cron = `${(minute + 1) % 60} * * * *`;
  await store.schedules.change({ project, name: 's', written: { cron }, actor });
  const { id } = await changeSometimeAgo(project);
  const push = async () => {
    const schedule = await store.schedules.claim(id);
    if (!schedule) throw new Error('there is nothing to tell');
    const pushed = {
      form: 'plain',
      seen: '',
      until: null,
      paused: false,
      note: '',
      overruled: null,
    } as const;
    return store.schedules.pushed(schedule, pushed);
  };
  expect(await push()).toBe('kept');
  expect(await open(project, execution(hour))).toMatchObject({ outcome: 'dropped' });
  expect((await eventsOf(project)).at(-1)).toMatch(
    /the schedule was changed: this is no time of it any more$/,
  );
  // What is told again is no change: a trigger since is one.
  await sql.query('UPDATE schedule SET pushed_at = $2, revision = revision + 1 WHERE id = $1', [
    id,
    before(0.5),
  ]);
  expect(await push()).toBe('kept');
  expect(await open(project, execution(hour))).toMatchObject({ outcome: 'opened' });
});

/** Temporal was away when it was. */
async function changeSometimeAgo(project: string): Promise<{ readonly id: string }> {
  const [row] = await sql.query<{ id: string }>(
    'UPDATE schedule SET updated_at = $2, defined_at = $2 WHERE temporal_id = $1 RETURNING id',
    [`${project}/s`, before(1)],
  );
  if (!row) throw new Error(`${project} has no schedule`);
  return row;
}

test('a trigger is of no time, and runs beside', async () => {
  const project = await makeSchedule({});
  const now = new Date(hour.getTime() + 1_000);
  await open(project, execution(now));
  expect(await runsOf(project)).toEqual([of(now)]);
});

test('what a schedule starts that nobody knows is like any other run from outside', async () => {
  const project = await makeSchedule({});
  const { identity } = execution(hour);
  const asked = { project, params: {}, select: null, actor };
  const scheduled: Fired = { by: 'other', at: hour, startedAt: hour };
  await store.execution.openGraphRun({ identity, known: null, ...asked, scheduled });
  expect(await runsOf(project)).toEqual([
    { origin: 'temporal', schedule: null, scheduledAt: hour.toISOString() },
  ]);
});
