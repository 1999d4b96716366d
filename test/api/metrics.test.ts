import { afterAll, expect, test } from 'vitest';
import { createApp } from '../../api/app.ts';
import { createKinds } from '../../jobs/index.ts';
import { createStore } from '../../store/index.ts';
import type { Metrics } from '../../store/metrics.ts';
import { useDatabases } from '../support/databases.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';
import { fakeInspector, fakeStarter, useApi } from './test-api.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
const { app, call, keys, makeProject } = await useApi({ store });
const sql = await useSql(databaseUrl);
const headers = { authorization: `Bearer ${keys.viewer}` };

/** An app that has read nothing yet, since what it reads is kept for some seconds. */
async function freshApp(metrics: Metrics = store.metrics) {
  const fresh = await createApp({
    store: { ...store, metrics },
    temporal: fakeStarter(),
    kinds: createKinds(),
    inspector: fakeInspector,
  });
  afterAll(() => fresh.close());
  const scrape = () => fresh.inject({ url: '/metrics', headers });
  return { fresh, scrape };
}

/** Samples by name and labels, as they are written. */
function samplesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

test('a scrape tells of the process, and of requests by the template of their route', async () => {
  const { fresh, scrape } = await freshApp();
  for (const path of ['/v1/projects/secret-plans', '/v1/projects/other', '/nothing/here'])
    await fresh.inject({ url: path, headers });
  const { statusCode, headers: answered, payload } = await scrape();
  expect([statusCode, answered['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  const samples = samplesOf(payload);
  const count = (labels: string) => samples.get(`graphrun_http_request_duration_seconds_count{${labels}}`);
  expect(count('method="GET",route="/v1/projects/:project",status="404"')).toBe(2);
  expect(count('method="GET",route="unknown",status="404"')).toBe(1);
  expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
  expect(samples.has('nodejs_eventloop_lag_p99_seconds')).toBe(true);
  expect(payload).not.toContain('secret-plans');
});

test('it tells of open runs by state, how old the oldest that waits is, and how far the feed is', async () => {
  const name = await makeProject();
  const ids: string[] = [];
  for (let made = 0; made < 3; made += 1)
    ids.push((await call<{ id: string }>('POST', `/v1/projects/${name}/runs`)).body.id);
  await sql.query(`UPDATE graph_run SET created_at = now() - interval '1 minute' WHERE id = $1`, [ids[0]]);
  const [, opened = ''] = ids;
  const identity = { workflowId: 'w', runId: 'r', firstExecutionRunId: 'r' };
  const asked = { project: name, params: {}, select: null, actor: 'test' };
  await store.execution.openGraphRun({ identity, known: { graphRunId: opened, epoch: 1 }, ...asked });
  await sql.query(
    `UPDATE graph_run SET state = 'SUCCESS', started_at = now(), completed_at = now() WHERE id = $1`,
    [ids[2]],
  );
  const { scrape } = await freshApp();
  const samples = samplesOf((await scrape()).payload);
  expect(samples.get('graphrun_graph_runs{state="PENDING"}')).toBe(1);
  expect(samples.get('graphrun_graph_runs{state="RUNNING"}')).toBe(1);
  expect([...samples.keys()].filter((key) => key.startsWith('graphrun_graph_runs{'))).toHaveLength(2);
  const age = samples.get('graphrun_oldest_pending_age_seconds');
  expect(age).toBeGreaterThanOrEqual(60);
  expect(age).toBeLessThan(120);
  const { readTo } = await store.events.list({ after: 'latest', limit: 1 });
  expect(samples.get('graphrun_feed_number')).toBe(readTo);
});

test('a lone job run that waits counts as well, and none is an age of 0', async () => {
  await sql.query(`UPDATE graph_run SET state = 'FAILED', reason = 'lost', completed_at = now()`);
  expect((await store.metrics.read()).oldestPendingSeconds).toBe(0);
  const name = await makeProject();
  const run = await store.jobRuns.create({ project: name, job: 'load', actor: 'test' });
  await sql.query(`UPDATE job_run SET created_at = now() - interval '1 hour' WHERE id = $1`, [run.id]);
  expect((await store.metrics.read()).oldestPendingSeconds).toBeGreaterThanOrEqual(3_600);
});

test('it tells how far the watch is, and what it has mended', async () => {
  const { scrape: before } = await freshApp();
  const never = samplesOf((await before()).payload);
  expect(never.get('graphrun_watch_lag_seconds')).toBeNaN();
  expect(never.get('graphrun_watch_last_turn_timestamp_seconds')).toBe(0);
  await sql.query(
    `UPDATE watch SET watched_until = now() - interval '10 seconds', turn_ended_at = '2026-01-01T00:00:00Z', lag_ms = 1500,
       is_behind = true, adopted = 3`,
  );
  const { scrape } = await freshApp();
  const samples = samplesOf((await scrape()).payload);
  expect(samples.get('graphrun_watch_lag_seconds')).toBeGreaterThanOrEqual(10);
  expect(samples.get('graphrun_watch_turn_lag_seconds')).toBe(1.5);
  expect(samples.get('graphrun_watch_last_turn_timestamp_seconds')).toBe(Date.UTC(2026, 0) / 1_000);
  expect(samples.get('graphrun_watch_behind')).toBe(1);
  expect(samples.get('graphrun_watch_corrections_total{kind="adopted"}')).toBe(3);
  expect(samples.get('graphrun_watch_corrections_total{kind="ended"}')).toBe(0);
});

test('the database is read once for scrapes that come together, and again after a failure', async () => {
  let reads = 0;
  const { scrape } = await freshApp({
    read: async () => {
      reads += 1;
      if (reads === 1) throw new TypeError('a bug');
      return store.metrics.read();
    },
  });
  expect((await scrape()).statusCode).toBe(500);
  const answers = await Promise.all([scrape(), scrape(), scrape()]);
  expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200]);
  expect((await scrape()).payload).toContain('graphrun_feed_number');
  expect(reads).toBe(2);
});

test('open streams are counted, and are no requests that last for hours', async () => {
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  const streams = async () => samplesOf(await (await fetch(`${url}/metrics`, { headers })).text());
  const leaving = new AbortController();
  const response = await fetch(`${url}/v1/events/stream`, { headers, signal: leaving.signal });
  expect(response.status).toBe(200);
  expect((await streams()).get('graphrun_event_streams')).toBe(1);
  leaving.abort();
  const after = await until(async () => {
    const samples = await streams();
    return samples.get('graphrun_event_streams') === 0 ? samples : undefined;
  }, 'the stream is gone');
  expect([...after.keys()].filter((key) => key.includes('/v1/events/stream'))).toEqual([]);
});
