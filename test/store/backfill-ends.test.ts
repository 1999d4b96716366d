import { expect, test } from 'vitest';
import { actor, useBackfills } from './use-backfills.ts';

const { store, sql, makeBackfill, backfillOf, tend, get, runsOf, hoursOf, carryOutOpen, finish } =
  await useBackfills();

test('a graph that cannot be run with its parameters any more stops it, and it goes on when that is mended', async () => {
  const backfill = await makeBackfill();
  await tend(backfill);
  await carryOutOpen(backfill);
  await sql.query(`UPDATE backfill SET params = '{"gone": 1}' WHERE id = $1`, [backfill.id]);
  expect(await tend(backfill)).toEqual([]);
  expect(await get(backfill)).toMatchObject({
    ...{ state: 'FAILED', reason: 'invalid', problem: expect.stringContaining('gone') },
    counts: { success: 3, left: 7 },
  });
  await sql.query(`UPDATE backfill SET params = '{}' WHERE id = $1`, [backfill.id]);
  await store.backfills.resume({ id: backfill.id, failed: false, note: null, actor });
  expect(await finish(backfill)).toMatchObject({ state: 'SUCCESS', problem: null });
});

test('a schedule that is deleted ends it', async () => {
  const backfill = await makeBackfill();
  await tend(backfill);
  await store.schedules.remove({ project: backfill.project, name: 's' }, actor);
  expect(await store.backfills.open(500)).toContainEqual({ id: backfill.id, isDue: true });
  expect(await tend(backfill)).toEqual([]);
  expect(await get(backfill)).toMatchObject({
    state: 'FAILED',
    reason: 'schedule_deleted',
    counts: { open: 3 },
  });
  const resumed = store.backfills.resume({ id: backfill.id, failed: false, note: null, actor });
  await expect(resumed).rejects.toMatchObject({ code: 'SCHEDULE_UNKNOWN' });
});

test('a project that is deleted takes it away', async () => {
  const backfill = await makeBackfill();
  await tend(backfill);
  await carryOutOpen(backfill);
  await store.projects.remove(backfill.project, actor);
  await expect(get(backfill)).rejects.toMatchObject({ code: 'BACKFILL_UNKNOWN' });
  expect(await tend(backfill)).toEqual([]);
});

test('a run of it whose workflow is ended before its start was noted is carried out by that workflow', async () => {
  const [run] = await tend(await makeBackfill());
  const identity = { workflowId: run?.workflowId ?? '', runId: 'ended', firstExecutionRunId: 'ended' };
  expect(await store.watch.claimUnopened(identity, 'watch')).toBe(true);
  expect((await store.graphRuns.get(run?.id ?? '')).tasks).toMatchObject([{ runId: 'ended', epoch: 1 }]);
});

test('a pause of its schedule makes no difference', async () => {
  const backfill = await makeBackfill();
  await store.schedules.pause({ project: backfill.project, name: 's', paused: true, note: null, actor });
  expect(await tend(backfill)).toHaveLength(3);
});

test('a time that its schedule fires late all the same makes no second run', async () => {
  const { project, ...backfill } = await makeBackfill();
  await tend(backfill);
  await sql.query(
    `UPDATE schedule SET pushed_revision = revision, updated_at = '2025-01-01' WHERE temporal_id = $1`,
    [`${project}/s`],
  );
  const at = new Date('2026-01-01T01:00:00Z');
  const identity = { workflowId: 'fired', runId: 'fired', firstExecutionRunId: 'fired' };
  const scheduled = { by: `${project}/s`, at, startedAt: new Date() };
  const asked = { project, params: {}, select: null, actor };
  expect(await store.execution.openGraphRun({ identity, known: null, ...asked, scheduled })).toMatchObject({
    outcome: 'dropped',
  });
});

test('a time whose run of its schedule is not opened yet is waited for, and made where that is dropped', async () => {
  const { project, ...backfill } = await makeBackfill({ atOnce: 10 });
  const byWatch = (hour: number) =>
    sql.query(
      `INSERT INTO graph_run (id, project_id, project_name, version, state, origin, workflow_id, schedule_id, scheduled_at, is_slot,
         created_by, updated_by)
       SELECT gen_random_uuid(), b.project_id, $2, 1, 'PENDING', 'schedule', gen_random_uuid()::text, b.schedule_id, b.slots[$3], true,
         'test', 'test' FROM backfill b WHERE b.id = $1`,
      [backfill.id, project, hour + 1],
    );
  await byWatch(1);
  await byWatch(3);
  expect(await tend(backfill)).toHaveLength(1);
  await carryOutOpen(backfill);
  expect(await tend(backfill)).toEqual([]);
  expect(await get(backfill)).toMatchObject({ state: 'RUNNING', counts: { left: 9, skipped: 0 } });

  // As a worker that takes the first, and finds that there is none of it to be; the second it opens.
  await sql.query(
    'DELETE FROM graph_run WHERE schedule_id IS NOT NULL AND project_name = $1 AND scheduled_at = $2',
    [project, new Date('2026-01-01T01:00:00Z')],
  );
  await tend(backfill);
  expect(await hoursOf(backfill)).toEqual([0, 1, 2]);
  await sql.query(
    `UPDATE graph_run SET state = 'RUNNING', started_at = now() WHERE project_name = $1 AND origin = 'schedule'`,
    [project],
  );
  expect(await finish(backfill)).toMatchObject({ state: 'SUCCESS', counts: { success: 9, skipped: 1 } });
});

test('its runs that are open do not keep its schedule from catching up with the newest time', async () => {
  const { project, ...backfill } = await makeBackfill();
  const long = '2025-01-01';
  await sql.query('UPDATE schedule SET pushed_revision = revision, updated_at = $2 WHERE temporal_id = $1', [
    `${project}/s`,
    long,
  ]);
  await tend(backfill);
  await sql.query(`UPDATE graph_run SET state = 'RUNNING', started_at = $2 WHERE backfill_id = $1`, [
    backfill.id,
    long,
  ]);
  const hourMs = 3_600_000;
  const hour = Math.floor(Date.now() / hourMs) * hourMs;
  const at = new Date(hour - hourMs);
  const identity = { workflowId: 'late', runId: 'late', firstExecutionRunId: 'late' };
  const scheduled = { by: `${project}/s`, at, startedAt: at };
  const asked = { project, params: {}, select: null, actor };
  await store.execution.openGraphRun({ identity, known: null, ...asked, scheduled });
  const [run] = await sql.query<{ scheduled_at: Date }>(
    `SELECT scheduled_at FROM graph_run WHERE workflow_id = 'late'`,
  );
  expect(run?.scheduled_at.getTime()).toBeGreaterThanOrEqual(hour);
});

test('more of its times than can be looked at with one statement are skipped all the same', async () => {
  const { project, ...first } = await makeBackfill({
    window: { from: '2025-01-01', to: '2025-03-31' },
    atOnce: 100,
  });
  // As if all of them had run.
  await sql.query(
    `INSERT INTO graph_run (id, project_id, project_name, version, state, origin, workflow_id, schedule_id, scheduled_at, is_slot,
       created_by, updated_by, completed_at, started_at)
     SELECT gen_random_uuid(), b.project_id, $2, 1, 'SUCCESS', 'schedule', gen_random_uuid()::text, b.schedule_id, s.at, true,
       'test', 'test', now(), now() FROM backfill b, unnest(b.slots) s (at) WHERE b.id = $1`,
    [first.id, project],
  );
  expect(await finish(first)).toMatchObject({
    state: 'SUCCESS',
    counts: { total: 2160, skipped: 2160, success: 0 },
  });
});

test('a run that cannot go on with it stays as it has ended, and an event tells why', async () => {
  const { project, ...backfill } = await makeBackfill({ atOnce: 10 });
  await finish(backfill, [3, 7]);
  const [refused] = (await runsOf(backfill)).filter(({ hour }) => hour === 3);
  await sql.query(`UPDATE graph_run SET version = NULL, reason = 'invalid' WHERE id = $1`, [refused?.id]);
  await store.backfills.resume({ id: backfill.id, failed: true, note: null, actor });
  expect(await tend(backfill)).toHaveLength(1);
  const { items } = await store.events.list({ after: 0, limit: 500, project });
  expect(items.filter(({ reason }) => reason === 'refused')).toMatchObject([
    {
      ...{ type: 'backfill', schedule: 's', backfillId: backfill.id, graphRunId: refused?.id, actor: 'test' },
      note: `Graph run ${refused?.id} was not valid and has no graph to go on with.`,
    },
  ]);
  expect(await get(backfill)).toMatchObject({ state: 'RUNNING', counts: { failed: 1, open: 1, left: 0 } });
});

test('how many of its runs are open is told by an index', async () => {
  const { id } = await makeBackfill();
  const plan = await sql.query<{ 'QUERY PLAN': string }>(
    `EXPLAIN SELECT count(*) FROM graph_run r WHERE r.backfill_id = '${id}' AND r.completed_at IS NULL`,
  );
  expect(plan.map((line) => line['QUERY PLAN']).join('\n')).toMatch(/graph_run_\w*backfill/);
});

test('so many of a project are open at most, also when one goes on', async () => {
  const { project, ...backfill } = await makeBackfill();
  await store.backfills.cancel({ id: backfill.id, running: false, note: null, actor });
  const makeMany = (count: number) =>
    sql.query(
      `INSERT INTO backfill (id, project_id, schedule_id, from_at, to_at, timezone, newest_first, at_once, again, params, selective,
         slots, created_by, updated_by)
       SELECT gen_random_uuid(), project_id, schedule_id, from_at, to_at, timezone, newest_first, at_once, again, params, selective,
         slots, created_by, updated_by FROM backfill, generate_series(1, $2) WHERE id = $1`,
      [backfill.id, count],
    );
  await makeMany(99);
  const last = await backfillOf(project);
  const refused = { code: 'TOO_MANY_BACKFILLS' };
  await expect(backfillOf(project)).rejects.toMatchObject(refused);
  const resume = () => store.backfills.resume({ id: backfill.id, failed: false, note: null, actor });
  await expect(resume()).rejects.toMatchObject(refused);
  expect(await get(backfill)).toMatchObject({ reason: 'cancelled' });
  await store.backfills.cancel({ id: last.id, running: false, note: null, actor });
  expect(await resume()).toMatchObject({ state: 'PENDING' });
});
