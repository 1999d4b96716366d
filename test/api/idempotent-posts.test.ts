import { describe, expect, test } from 'vitest';
import type { JobEnd } from '../../graph/states.ts';
import { createStore, jobRunIdOf } from '../../store/index.ts';
import { carryOut } from '../cli/use-cli.ts';
import { useDatabases } from '../support/databases.ts';
import { useSql } from '../support/sql.ts';
import { openApiOf, routesOf } from './open-api.ts';
import { postTo } from './post-to.ts';
import { newName, useApi } from './test-api.ts';

const { databaseUrl } = await useDatabases();
const sql = await useSql(databaseUrl);
const { app, keys, makeProject, store } = await useApi({ store: createStore({ databaseUrl }) });
const post = postTo(app, keys);

interface Carried {
  readonly url: string;
  readonly payload?: object;
  /** 201 unless told. */
  readonly status?: number;
  /** How many it makes; one unless told. */
  readonly events?: number;
}

/** A run that has failed, to be resumed. */
async function failedRun(project: string): Promise<string> {
  const run = await store.graphRuns.create({ project, params: {}, select: null, actor: 'test' });
  const failed = (reason: 'error' | 'upstream_failed'): JobEnd => ({ state: 'FAILED', reason });
  await carryOut(store, run, { load: failed('error'), count: failed('upstream_failed') });
  return run.id;
}

/** A schedule of the project, paused if so; the path of it. */
async function scheduleOf(project: string, paused: boolean): Promise<string> {
  const url = `/v1/projects/${project}/schedules`;
  await post(url, { payload: { name: 'nightly', cron: '30 2 * * *' } });
  if (paused) await post(`${url}/nightly/pause`);
  return `${url}/nightly`;
}

/** A backfill of a schedule of the project, cancelled if so; the path of it. */
async function backfillOf(project: string, isCancelled: boolean): Promise<string> {
  const { headers } = await post(`${await scheduleOf(project, false)}/backfills`, { payload: aDay });
  const url = String(headers.location);
  if (isCancelled) await post(`${url}/cancel`);
  return url;
}

const aDay = { from: '2026-01-01', to: '2026-01-01' };

/** These change nothing. */
const reading = ['POST /v1/graph-runs/{id}/plan'];

describe('every POST', () => {
  /** Each with a request that it carries out: a new route fails the tests until it is listed here. */
  const requests: Readonly<Record<string, (project: string) => Promise<Carried> | Carried>> = {
    'POST /v1/projects': () => ({ url: '/v1/projects', payload: { name: newName() } }),
    'POST /v1/projects/{project}/runs': (project) => ({ url: `/v1/projects/${project}/runs` }),
    'POST /v1/projects/{project}/jobs/{job}/runs': (project) => ({
      url: `/v1/projects/${project}/jobs/load/runs`,
    }),
    'POST /v1/graph-runs/{id}/resume': async (project) => ({
      ...{ url: `/v1/graph-runs/${await failedRun(project)}/resume`, status: 200, events: 3 },
    }),
    'POST /v1/graph-runs/{id}/cancel': async (project) => {
      const { id } = await store.graphRuns.create({ project, params: {}, select: null, actor: 'test' });
      return { url: `/v1/graph-runs/${id}/cancel`, payload: { note: 'why' }, status: 202 };
    },
    'POST /v1/graph-runs/{id}/pause': async (project) => {
      const { id } = await store.graphRuns.create({ project, params: {}, select: null, actor: 'test' });
      return { url: `/v1/graph-runs/${id}/pause`, status: 202 };
    },
    'POST /v1/graph-runs/{id}/unpause': async (project) => {
      const { id } = await store.graphRuns.create({ project, params: {}, select: null, actor: 'test' });
      await store.pauses.set({ id, paused: true, note: null, actor: 'test' });
      return { url: `/v1/graph-runs/${id}/unpause`, status: 202 };
    },
    'POST /v1/job-runs/{id}/retry': async (project) => {
      const { id } = await store.jobRuns.create({ project, job: 'load', actor: 'test' });
      await sql.query(`UPDATE job_run SET reason = 'retry', attempts = 1 WHERE id = $1`, [id]);
      return { url: `/v1/job-runs/${id}/retry`, status: 202 };
    },
    'POST /v1/projects/{project}/schedules': (project) => ({
      ...{ url: `/v1/projects/${project}/schedules`, payload: { name: 'nightly', cron: '30 2 * * *' } },
    }),
    'POST /v1/projects/{project}/schedules/{name}/trigger': async (project) => ({
      url: `${await scheduleOf(project, false)}/trigger`,
    }),
    'POST /v1/projects/{project}/schedules/{name}/skip': async (project) => ({
      ...{ url: `${await scheduleOf(project, false)}/skip`, status: 200 },
    }),
    'POST /v1/projects/{project}/schedules/{name}/pause': async (project) => ({
      ...{ url: `${await scheduleOf(project, false)}/pause`, status: 200 },
    }),
    'POST /v1/projects/{project}/schedules/{name}/unpause': async (project) => ({
      ...{ url: `${await scheduleOf(project, true)}/unpause`, status: 200 },
    }),
    'POST /v1/projects/{project}/schedules/{name}/backfills': async (project) => ({
      ...{ url: `${await scheduleOf(project, false)}/backfills`, payload: aDay },
    }),
    'POST /v1/backfills/{id}/cancel': async (project) => ({
      ...{ url: `${await backfillOf(project, false)}/cancel`, payload: { running: true }, status: 200 },
    }),
    'POST /v1/backfills/{id}/resume': async (project) => ({
      ...{ url: `${await backfillOf(project, true)}/resume`, status: 200 },
    }),
    'POST /v1/job-runs/{id}/mark': async (project) => {
      const id = jobRunIdOf(await failedRun(project), 'load');
      return { url: `/v1/job-runs/${id}/mark`, payload: { note: 'why', output: 1 }, status: 200 };
    },
    'POST /v1/job-runs/{id}/resume': async (project) => {
      const { id } = await store.jobRuns.create({ project, job: 'load', actor: 'test' });
      const ended = `state = 'FAILED', reason = 'error', completed_at = now()`;
      await sql.query(`UPDATE job_run SET ${ended} WHERE id = $1`, [id]);
      return { url: `/v1/job-runs/${id}/resume`, status: 200 };
    },
    'POST /v1/job-runs/{id}/cancel': async (project) => {
      const { id } = await store.jobRuns.create({ project, job: 'load', actor: 'test' });
      return { url: `/v1/job-runs/${id}/cancel`, status: 202 };
    },
  };

  test('is listed', () => {
    expect(
      routesOf(app)
        .filter((route) => route.startsWith('POST ') && !reading.includes(route))
        .toSorted(),
    ).toEqual(Object.keys(requests).toSorted());
  });

  test.each(Object.entries(requests))('%s is carried out once for a key', async (route, make) => {
    const { url, status = 201, events = 1, ...sent } = await make(await makeProject());
    const key = route.replaceAll(' ', '-');
    const [{ last: before } = { last: '0' }] = await sql.query<{ last: string }>(
      'SELECT last FROM event_counter',
    );
    const answers = await Promise.all([1, 2, 3].map(() => post(url, { ...sent, key })));
    answers.push(await post(url, { ...sent, key }));
    expect(answers.map(({ status }) => status)).toEqual([1, 2, 3, 4].map(() => status));
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(new Set(answers.map(({ answer }) => JSON.stringify(answer))).size).toBe(1);
    const [{ last } = { last: '0' }] = await sql.query<{ last: string }>('SELECT last FROM event_counter');
    expect(Number(last) - Number(before)).toBe(events);
  });

  test.each(Object.keys(requests))('%s is described with the header', (route) => {
    const operation = openApiOf(app).paths[route.slice('POST '.length)]?.post;
    const header = operation?.parameters?.find((parameter) => parameter.in === 'header');
    expect(header).toMatchObject({ name: 'idempotency-key', required: false, schema: { type: 'string' } });
  });

  test('and no other method takes one', () => {
    const others = Object.values(openApiOf(app).paths).flatMap(({ post: _post, ...byMethod }) =>
      Object.values(byMethod),
    );
    expect(
      others.flatMap(({ parameters = [] }) => parameters.filter(({ name }) => name === 'idempotency-key')),
    ).toEqual([]);
  });
});
