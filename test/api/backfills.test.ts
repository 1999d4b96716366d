import { describe, expect, test } from 'vitest';
import type { GraphRunView, Page } from '../../graph/resources.ts';
import type { BackfillPreview, BackfillView } from '../../graph/schedules/backfills.ts';
import { createStore } from '../../store/index.ts';
import { carryOut } from '../cli/use-cli.ts';
import { useDatabases } from '../support/databases.ts';
import { useSql } from '../support/sql.ts';
import { useApi } from './test-api.ts';

const { databaseUrl } = await useDatabases();
const sql = await useSql(databaseUrl);
const { call, makeProject, store, temporal } = await useApi({ store: createStore({ databaseUrl }) });

const aDay = { from: '2026-01-01', to: '2026-01-01' };

async function makeSchedule(schedule: object = {}) {
  const project = await makeProject();
  const payload = { name: 's', cron: '0 */6 * * *', timezone: 'Europe/Berlin', ...schedule };
  await call('POST', `/v1/projects/${project}/schedules`, { payload });
  return { project, url: `/v1/projects/${project}/schedules/s/backfills` };
}

async function makeBackfill(payload: object = aDay, schedule: object = {}) {
  const of = await makeSchedule(schedule);
  return { ...of, ...(await call<BackfillView>('POST', of.url, { payload })) };
}

const runsOf = async (id: string) =>
  (await call<Page<GraphRunView>>('GET', `/v1/graph-runs?backfill=${id}`)).body.items;

describe('a backfill', () => {
  test('is stored, shown and listed, and its runs are', async () => {
    const { project, status, headers, body } = await makeBackfill({ ...aDay, atOnce: 2, note: 'why' });
    expect([status, headers.location]).toEqual([201, `/v1/backfills/${body.id}`]);
    expect(body).toMatchObject({
      ...{ project, schedule: 's', from: '2025-12-31T23:00:00.000Z', to: '2026-01-01T22:59:59.999Z' },
      ...{ timezone: 'Europe/Berlin', order: 'oldest', atOnce: 2, again: false, params: {}, select: null },
      ...{ state: 'PENDING', reason: 'queued', note: 'why', createdBy: 'key:editor', estimateMs: null },
      counts: {
        total: 4,
        skipped: 0,
        skippedFailed: 0,
        left: 4,
        open: 0,
        success: 0,
        failed: 0,
        cancelled: 0,
      },
    });
    expect((await call('GET', `/v1/backfills/${body.id}`)).body).toEqual(body);
    const list = `/v1/projects/${project}/backfills`;
    expect((await call<Page<BackfillView>>('GET', list)).body.items).toEqual([body]);
    expect((await call<Page<BackfillView>>('GET', `${list}?schedule=other`)).body.items).toEqual([]);
    expect(await runsOf(body.id)).toEqual([]);
    await store.backfills.tend({ id: body.id, actor: 'watch' });
    expect(await runsOf(body.id)).toMatchObject([
      { schedule: 's', scheduledAt: '2026-01-01T05:00:00.000Z', backfillId: body.id, origin: 'backfill' },
      { scheduledAt: '2025-12-31T23:00:00.000Z' },
    ]);
  });

  test('is listed in pages', async () => {
    const { project, url } = await makeBackfill();
    for (let more = 0; more < 2; more += 1) await call('POST', url, { payload: aDay });
    const list = `/v1/projects/${project}/backfills?limit=2`;
    const first = (await call<Page<BackfillView>>('GET', list)).body;
    expect(first.items).toHaveLength(2);
    const second = (await call<Page<BackfillView>>('GET', `${list}&cursor=${first.nextCursor}`)).body;
    expect([second.items.length, second.nextCursor]).toEqual([1, null]);
    expect(new Set([...first.items, ...second.items].map(({ id }) => id)).size).toBe(3);
  });

  test('has the selection and the parameters of its schedule, with its own in their place', async () => {
    const project = await makeProject();
    const params = {
      a: { type: 'integer', default: 1 },
      b: { type: 'integer', default: 1 },
      c: { default: 0 },
    };
    const jobs = { load: { kind: 'upload', config: { file: 'a.csv' } } };
    await call('PUT', `/v1/projects/${project}/graph`, { payload: { project, params, jobs } });
    const schedule = { name: 's', cron: '@daily', params: { a: 2, b: 2 }, select: ['load'] };
    await call('POST', `/v1/projects/${project}/schedules`, { payload: schedule });
    const url = `/v1/projects/${project}/schedules/s/backfills`;
    const made = await call<BackfillView>('POST', url, { payload: { ...aDay, params: { b: 3 } } });
    // The defaults are those of the graph that is current when a run is made.
    expect([made.body.params, made.body.select]).toEqual([{ a: 2, b: 3 }, ['load']]);
    await store.backfills.tend({ id: made.body.id, actor: 'watch' });
    expect(await runsOf(made.body.id)).toMatchObject([{ params: { a: 2, b: 3, c: 0 }, select: ['load'] }]);
    const refused = await call('POST', url, { payload: { ...aDay, params: { d: 1 } } });
    expect([refused.status, refused.problem.code]).toEqual([422, 'PARAMS_INVALID']);
  });

  test('is cancelled with its runs, and resumed', async () => {
    const { body } = await makeBackfill({ ...aDay, atOnce: 2 });
    await store.backfills.tend({ id: body.id, actor: 'watch' });
    const url = `/v1/backfills/${body.id}`;
    const payload = { running: true, note: 'enough' };
    const cancelled = await call<BackfillView>('POST', `${url}/cancel`, { payload });
    expect([cancelled.status, cancelled.headers.location]).toEqual([200, url]);
    expect(cancelled.body).toMatchObject({ state: 'FAILED', reason: 'cancelled', stop: { note: 'enough' } });
    expect(cancelled.body.completedAt).toBe(cancelled.body.stop?.at);
    expect(cancelled.body).not.toHaveProperty('toSend');
    const runs = await runsOf(body.id);
    expect(runs.map(({ cancelRequest }) => cancelRequest?.note)).toEqual(['enough', 'enough']);
    const told = temporal.cancels.map(({ workflowId }) => workflowId);
    expect(told.toSorted()).toEqual(runs.map(({ workflowId }) => workflowId).toSorted());
    const resumed = await call<BackfillView>('POST', `${url}/resume`);
    expect([resumed.status, resumed.body.state]).toEqual([200, 'RUNNING']);
  });
});

describe('a preview', () => {
  test('tells how many runs there would be, and how long they would take', async () => {
    const { url, body } = await makeBackfill({ ...aDay, atOnce: 100 });
    const preview = (query: string) => call<BackfillPreview>('GET', `${url}/preview?${query}`);
    const whole = 'from=2026-01-01&to=2026-01-02';
    expect((await preview(whole)).body).toEqual({
      ...{ from: '2025-12-31T23:00:00.000Z', to: '2026-01-02T22:59:59.999Z', timezone: 'Europe/Berlin' },
      ...{ total: 8, ran: 0, failed: 0, runs: 8, openMost: 1, estimateMs: null },
      first: { at: '2025-12-31T23:00:00.000Z', local: '2026-01-01T00:00:00+01:00', dst: null },
      last: { at: '2026-01-02T17:00:00.000Z', local: '2026-01-02T18:00:00+01:00', dst: null },
    });
    await store.backfills.tend({ id: body.id, actor: 'watch' });
    const [, , , run] = await runsOf(body.id);
    await carryOut(store, run as GraphRunView, {
      load: { state: 'SUCCESS', reason: null },
      count: { state: 'SUCCESS', reason: null },
    });
    await sql.query(`UPDATE graph_run SET started_at = completed_at - interval '2 s' WHERE id = $1`, [
      run?.id,
    ]);
    await sql.query(
      `UPDATE graph_run SET state = 'FAILED', reason = 'lost', completed_at = now() WHERE backfill_id = $1 AND completed_at IS NULL`,
      [body.id],
    );
    expect((await preview(`${whole}&atOnce=5`)).body).toMatchObject({
      ...{ total: 8, ran: 4, failed: 3, runs: 4, estimateMs: 2_000 },
    });
    expect((await preview(`${whole}&again=true`)).body).toMatchObject({ runs: 8, estimateMs: 16_000 });
  });

  test('of a window without times is of no run', async () => {
    const { url } = await makeSchedule();
    const { status, body } = await call('GET', `${url}/preview?from=2026-01-01T01:00&to=2026-01-01T02:00`);
    expect([status, body]).toMatchObject([
      200,
      { total: 0, runs: 0, first: null, last: null, estimateMs: 0 },
    ]);
  });
});

describe('is refused', () => {
  test.each([
    [{ from: 'yesterday', to: '2026-13-01' }, 422, 'BACKFILL_INVALID', ['/from', '/to']],
    [{ from: '2026-01-01T01:00', to: '2026-01-01T02:00' }, 422, 'BACKFILL_INVALID', ['/from']],
    [{ from: '1990-01-01' }, 422, 'BACKFILL_INVALID', ['/to']],
    [{ ...aDay, atOnce: 0 }, 400, 'REQUEST_INVALID', ['/atOnce']],
    [{ ...aDay, atOnce: 101 }, 400, 'REQUEST_INVALID', ['/atOnce']],
    [{ ...aDay, order: 'any' }, 400, 'REQUEST_INVALID', ['/order']],
    [{ to: '2026-01-01' }, 400, 'REQUEST_INVALID', ['/from']],
  ])('what cannot be: %j', async (payload, status, code, paths) => {
    const { url } = await makeSchedule();
    const refused = await call('POST', url, { payload });
    expect([refused.status, refused.problem.code]).toEqual([status, code]);
    const at = refused.problem.problems?.map(({ path }) => path.replace('/body', ''));
    expect(at).toEqual(paths);
  });

  test('a window before the schedule begins, with when that is', async () => {
    const { url } = await makeSchedule({ startAt: '2026-03-01T00:00:00Z', endAt: '2030-01-01T00:00:00Z' });
    const { problem } = await call('POST', url, { payload: aDay });
    expect(problem.problems?.[0]?.message).toMatch(
      / \(its startAt is 2026-03-01T00:00:00\.000Z, its endAt is 2030-01-01T00:00:00\.000Z\)$/,
    );
  });

  test('one of a schedule whose times only Temporal reads, with what to do', async () => {
    const { project, url } = await makeSchedule();
    await sql.query(
      `UPDATE schedule SET form = 'temporal', definition = '{}', temporal_spec = '{}' WHERE temporal_id = $1`,
      [`${project}/s`],
    );
    for (const [method, path] of [
      ['POST', url],
      ['GET', `${url}/preview?from=2026-01-01`],
    ] as const) {
      const { status, problem } = await call(method, path, method === 'POST' ? { payload: aDay } : {});
      expect([status, problem.code]).toEqual([409, 'SCHEDULE_UNREADABLE']);
      expect(problem.detail).toContain(`temporal schedule backfill --schedule-id ${project}/s`);
    }
  });

  test('what is not there', async () => {
    const { project } = await makeSchedule();
    const id = '0190b5e4-0000-7000-8000-000000000000';
    const codeOf = async (...of: Parameters<typeof call>) => (await call(...of)).problem.code;
    const other = `/v1/projects/${project}/schedules/other/backfills`;
    expect(await codeOf('POST', other, { payload: aDay })).toBe('SCHEDULE_UNKNOWN');
    expect(await codeOf('GET', `${other}/preview?from=2026-01-01`)).toBe('SCHEDULE_UNKNOWN');
    const nobody = '/v1/projects/nobody/schedules/s/backfills';
    expect(await codeOf('POST', nobody, { payload: aDay })).toBe('PROJECT_UNKNOWN');
    expect(await codeOf('GET', '/v1/projects/nobody/backfills')).toBe('PROJECT_UNKNOWN');
    for (const path of [`/v1/backfills/${id}`, '/v1/backfills/x', `/v1/graph-runs?backfill=${id}`])
      expect(await codeOf('GET', path)).toBe('BACKFILL_UNKNOWN');
    expect(await codeOf('POST', `/v1/backfills/${id}/cancel`)).toBe('BACKFILL_UNKNOWN');
    expect(await codeOf('POST', `/v1/backfills/${id}/resume`)).toBe('BACKFILL_UNKNOWN');
  });
});
