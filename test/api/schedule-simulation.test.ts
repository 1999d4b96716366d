import { describe, expect, test } from 'vitest';
import type { ScheduleSimulation } from '../../graph/schedules/simulations.ts';
import { createStore } from '../../store/index.ts';
import { useDatabases } from '../support/databases.ts';
import { useSql } from '../support/sql.ts';
import { useApi } from './test-api.ts';

const { databaseUrl } = await useDatabases();
const { call, makeProject } = await useApi({ store: createStore({ databaseUrl }) });
const sql = await useSql(databaseUrl);

async function makeSchedule(written: object) {
  const project = await makeProject();
  const url = `/v1/projects/${project}/schedules`;
  await call('POST', url, { payload: { name: 'a', ...written } });
  return { project, url: `${url}/a/simulation` };
}

/** Runs that took so many minutes each, of the schedule or of none. */
async function storeRuns(
  project: string,
  minutes: readonly number[],
  { isOfSchedule = true, origin = 'schedule', isSlot = true } = {},
): Promise<void> {
  stored += 1;
  await sql.query(
    `INSERT INTO graph_run (id, project_id, project_name, version, state, origin, workflow_id, created_by, updated_by, schedule_id,
       scheduled_at, is_slot, started_at, completed_at)
     SELECT gen_random_uuid(), p.id, p.name, 1, 'SUCCESS', $4::run_origin, gen_random_uuid()::text, 'test', 'test', s.id,
       CASE WHEN $3 THEN now() - $6 * interval '1 day' - place * interval '1 hour' END, $5, now() - m * interval '1 minute', now()
     FROM project p CROSS JOIN unnest($2::float8[]) WITH ORDINALITY AS n (m, place)
     LEFT JOIN schedule s ON s.project_id = p.id AND $3 WHERE p.name = $1`,
    [project, minutes, isOfSchedule, origin, isOfSchedule && isSlot, stored],
  );
}

let stored = 0;

describe('a simulation', () => {
  test('has times, runs, the busiest day and what changes of the clock do', async () => {
    const { url } = await makeSchedule({ cron: '30 2 * * *', timezone: 'Europe/Berlin' });
    const { status, body } = await call<ScheduleSimulation>('GET', url);
    expect([status, body]).toMatchObject([
      200,
      {
        timezone: 'Europe/Berlin',
        isCut: false,
        runs: body.times,
        overlap: 'skip',
        durations: null,
        predicted: null,
      },
    ]);
    expect(Math.abs(body.times - 400)).toBeLessThanOrEqual(1);
    expect(body.clockEffects).toContainEqual({
      effect: 'shifted',
      local: expect.stringMatching(/-03-\d\dT02:30$/),
      at: [expect.stringMatching(/T01:30:00.000Z$/)],
    });
    expect(Date.parse(body.until) - Date.parse(body.from)).toBe(400 * 86_400_000);
  });

  test('predicts by the runs of the project, and by its own once there are some', async () => {
    const { project, url } = await makeSchedule({
      interval: { every: '1h' },
      overlap: 'buffer_one',
      limit: 30,
    });
    await storeRuns(project, [10, 10, 10], { isOfSchedule: false });
    const byProject = (await call<ScheduleSimulation>('GET', `${url}?days=2`)).body;
    expect(byProject).toMatchObject({
      times: 48,
      runs: 30,
      durations: { of: 'project', runs: 3, medianMs: 600_000, p95Ms: 600_000 },
      predicted: { median: { runs: 30, overlaps: 0 } },
    });
    await storeRuns(project, [90, 90, 90, 90]);
    const own = (await call<ScheduleSimulation>('GET', `${url}?days=2`)).body;
    expect(own).toMatchObject({
      runs: 26,
      durations: { of: 'schedule', runs: 4, medianMs: 5_400_000 },
      predicted: { median: { runs: 26, openAtOnceMax: 1 } },
    });
    expect(own.predicted?.median.buffered).toBeGreaterThan(20);
  });

  test('counts for the limit what the schedule itself has made, as Temporal does', async () => {
    const { project, url } = await makeSchedule({ interval: { every: '1h' }, limit: 10 });
    await storeRuns(project, [1, 1, 1]);
    await storeRuns(project, [1, 1], { origin: 'backfill' });
    await storeRuns(project, [1, 1], { origin: 'api', isSlot: false });
    expect((await call<ScheduleSimulation>('GET', `${url}?days=2`)).body).toMatchObject({
      times: 48,
      runs: 7,
    });
  });

  test.each(['0', '801', 'x'])('of %s days is refused', async (days) => {
    const { url } = await makeSchedule({ cron: '@daily' });
    expect((await call('GET', `${url}?days=${days}`)).status).toBe(400);
  });

  test('of a schedule that only Temporal reads is refused, with what to do', async () => {
    const { project, url } = await makeSchedule({ cron: '@daily' });
    const definition = JSON.stringify({ timezone: 'UTC', overlap: 'skip' });
    await sql.query(
      `UPDATE schedule SET definition = $2, form = 'temporal' WHERE project_id = (SELECT id FROM project WHERE name = $1)`,
      [project, definition],
    );
    const { status, problem } = await call('GET', url);
    expect([status, problem.code]).toEqual([409, 'SCHEDULE_UNREADABLE']);
    expect(problem.detail).toContain('Temporal alone reads');
  });
});
