import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import type { Out } from '../../cli/io.ts';
import { watchRun } from '../../cli/watch-run.ts';
import { type GraphRunDetail, GraphrunError, ServerUnreachable } from '../../client/index.ts';
import { graphRun, jobRun } from './views.ts';

const error = { type: 'CodedError', code: 'SQL_INVALID', message: 'relation "x" does not exist' };
const pending = graphRun({ jobRuns: [jobRun({ job: 'a' }), jobRun({ job: 'b', reason: 'upstream' })] });
const running = graphRun({
  state: 'RUNNING',
  jobRuns: [jobRun({ job: 'a', state: 'RUNNING' }), jobRun({ job: 'b', reason: 'queued' })],
});
const retrying = graphRun({
  state: 'RUNNING',
  jobRuns: [
    jobRun({ job: 'a', state: 'PENDING', reason: 'retry' }),
    jobRun({ job: 'b', reason: 'upstream' }),
  ],
});
const ended = graphRun({
  state: 'FAILED',
  reason: 'job_failed',
  completedAt: '2025-01-01T00:00:05.000Z',
  jobRuns: [
    jobRun({ job: 'a', state: 'FAILED', reason: 'error', error, attempts: 2 }),
    jobRun({ job: 'b', state: 'FAILED', reason: 'upstream_failed' }),
  ],
});
const away = new ServerUnreachable('http://127.0.0.1:4400', 'connect ECONNREFUSED');

/** A server that answers with one thing after the other. */
function clientOf(answers: readonly (GraphRunDetail | Error)[]) {
  const left = [...answers];
  const get = async () => {
    const answer = left.length > 1 ? left.shift() : left[0];
    if (answer === undefined || answer instanceof Error) throw answer;
    return answer;
  };
  return { graphRuns: { get } };
}

function output(terminal?: { rows: number; columns: number }) {
  const out: PassThrough & Out = Object.assign(new PassThrough(), terminal && { ...terminal, isTTY: true });
  const text = async () => {
    out.end();
    return (await out.setEncoding('utf8').toArray()).join('');
  };
  return { out, text };
}

test('where no terminal is, each change of state is a line, and what failed is told at the end', async () => {
  const { out, text } = output();
  const client = clientOf([pending, pending, running, running, retrying, running, ended]);
  expect(await watchRun({ client, runId: 'x', out, intervalMs: 1 })).toBe(ended);
  const lines = (await text()).split('\n').map((line) => line.replace(/^\d\d:\d\d:\d\dZ {2}/, ''));
  expect(lines).toEqual([
    `run ${ended.id}  RUNNING`,
    'a  RUNNING',
    'a  PENDING retry',
    'a  RUNNING',
    'a  FAILED error',
    'b  FAILED upstream_failed',
    `run ${ended.id}  FAILED job_failed`,
    '',
    'a failed (SQL_INVALID, error, 2 attempts):',
    '    relation "x" does not exist',
    '',
  ]);
});

test('a terminal gets a table that is drawn again, and at the end all of it with the errors', async () => {
  const { out, text } = output({ rows: 20, columns: 100 });
  await watchRun({ client: clientOf([pending, running, ended]), runId: 'x', out, intervalMs: 1 });
  const drawn = await text();
  expect(drawn.match(/JOB +STATE/g)?.length).toBeGreaterThanOrEqual(2);
  expect(drawn).toContain('\x1b[');
  expect(stripVTControlCharacters(drawn).trimEnd()).toMatch(/relation "x" does not exist$/);
});

test('a terminal that tells no size gets lines all the same', async () => {
  const { out, text } = output({ rows: 0, columns: 0 });
  await watchRun({ client: clientOf([running, ended]), runId: 'x', out, intervalMs: 1 });
  expect(stripVTControlCharacters(await text()).match(/JOB +STATE +REASON/g)?.length).toBeGreaterThanOrEqual(
    2,
  );
});

test('a server that is away for a while is asked again', async () => {
  const { out, text } = output();
  const busy = new GraphrunError({
    type: '',
    title: '',
    status: 503,
    code: 'STORE_UNAVAILABLE',
    detail: 'no database',
  });
  const client = clientOf([running, away, away, busy, running, ended]);
  expect(await watchRun({ client, runId: 'x', out, intervalMs: 1 })).toBe(ended);
  expect((await text()).match(/asking again/g)).toHaveLength(1);
});

test('one that stays away ends the watch', async () => {
  const { out } = output();
  const watch = watchRun({
    client: clientOf([running, away]),
    runId: 'x',
    out,
    intervalMs: 1,
    patienceMs: 20,
  });
  await expect(watch).rejects.toBe(away);
});

test('a run that is not there ends the watch at once', async () => {
  const unknown = new GraphrunError({
    type: '',
    title: '',
    status: 404,
    code: 'GRAPH_RUN_UNKNOWN',
    detail: 'no such run',
  });
  await expect(watchRun({ client: clientOf([unknown]), runId: 'x', out: output().out })).rejects.toBe(
    unknown,
  );
});

test('aborting ends the watch', async () => {
  const abort = new AbortController();
  const { out } = output();
  const watch = watchRun({
    client: clientOf([running]),
    runId: 'x',
    out,
    intervalMs: 10_000,
    signal: abort.signal,
  });
  setImmediate(() => abort.abort());
  await expect(watch).rejects.toMatchObject({ name: 'AbortError' });
});

test('jobs that were kept are counted, those that were dropped left out: neither is told as if it ended now', async () => {
  const { out, text } = output();
  const kept = jobRun({
    job: 'kept',
    state: 'SUCCESS',
    reused: true,
    completedAt: '2025-01-01T00:00:01.000Z',
  });
  const again = graphRun({
    ...{ state: 'SUCCESS', epoch: 2, completedAt: '2025-01-01T00:00:05.000Z' },
    jobRuns: [
      kept,
      jobRun({ job: 'b', state: 'SUCCESS', epoch: 2 }),
      jobRun({ job: 'gone', state: 'SUCCESS', reason: 'skipped', epoch: 2 }),
    ],
    droppedJobs: ['gone'],
  });
  await watchRun({ client: clientOf([again]), runId: 'x', out, intervalMs: 1 });
  const said = await text();
  expect(said).toMatch(/^epoch 2: 1 job reused\n/);
  expect(said).toMatch(/ {2}b {2}SUCCESS/);
  expect(said).not.toMatch(/kept|gone/);
});
