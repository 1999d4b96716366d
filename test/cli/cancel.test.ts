import { expect, test } from 'vitest';
import type { GraphRunDetail, GraphRunView, JobRunDetail } from '../../client/index.ts';
import type { JobEnd } from '../../graph/states.ts';
import { jobRunIdOf } from '../../store/index.ts';
import { until } from '../support/until.ts';
import { carryOut, useCli } from './use-cli.ts';

const { call, makeProject, run, store, temporal } = await useCli();

async function startRun(): Promise<GraphRunView> {
  return (await call<GraphRunView>('POST', `/v1/projects/${await makeProject()}/runs`)).body;
}

/** What a worker does with the run that is cancelled next, as soon as Temporal is told. */
function carryOutNext(cancelled: GraphRunView, end: JobEnd): void {
  const { requestCancel } = temporal;
  temporal.requestCancel = async () => {
    temporal.requestCancel = requestCancel;
    await carryOut(store, cancelled, { load: end, count: end });
    return true;
  };
}

test('cancel prints how the run is, and who cancelled it why', async () => {
  const { id } = await startRun();
  const { code, stdout, stderr } = await run(['cancel', id, '--note', 'the wrong file']);
  expect([code, stderr]).toEqual([0, `see how it ends with: graphrun show ${id}\n`]);
  expect(stdout).toMatch(
    /^PENDING, cancelled \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ by key:editor: the wrong file\n$/,
  );
  const shown = await run(['show', id]);
  expect(shown.stdout).toMatch(/^cancelled +\d{4}-.* by key:editor: the wrong file$/m);
});

test('cancel --json prints the run', async () => {
  const { id } = await startRun();
  const { code, stdout } = await run(['cancel', id, '--json']);
  const shown: GraphRunView = JSON.parse(stdout);
  expect([code, shown.id, shown.cancelRequest]).toEqual([
    0,
    id,
    { at: expect.any(String), by: 'key:editor', note: null },
  ]);
});

test('cancel takes the id of a job that was run alone', async () => {
  const url = `/v1/projects/${await makeProject()}/jobs/load/runs`;
  const { id } = (await call<JobRunDetail>('POST', url)).body;
  const { code, stdout } = await run(['cancel', id, '--note', 'why']);
  expect([code, stdout]).toEqual([0, expect.stringContaining('by key:editor: why')]);
  expect((await run(['show', id])).stdout).toMatch(/^cancelled .* why$/m);
});

test('cancel --watch shows the run to its end; its exit code is whether the cancel ended it', async () => {
  const first = await startRun();
  carryOutNext(first, { state: 'FAILED', reason: 'cancelled' });
  const done = await run(['cancel', first.id, '--watch']);
  expect([done.code, done.stdout]).toEqual([0, expect.stringMatching(/run .* {2}FAILED cancelled/)]);
  const late = await startRun();
  carryOutNext(late, { state: 'SUCCESS', reason: null });
  const { code, stdout } = await run(['cancel', late.id, '--watch', '--json']);
  expect([code, (JSON.parse(stdout) as GraphRunDetail).state]).toEqual([1, 'SUCCESS']);
});

test.each([
  ['0198c5a2-0000-7000-8000-000000000000', 'neither a graph run nor a job run'],
  ['not-an-id', 'neither a graph run nor a job run'],
])('cancel of %s is refused', async (id, message) => {
  expect(await run(['cancel', id])).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
});

test('cancel of a run that has ended is refused; a job of one that has not is cancelled', async () => {
  const part = await startRun();
  const inside = await run(['cancel', jobRunIdOf(part.id, 'load'), '--note', 'why']);
  expect([inside.code, inside.stdout]).toEqual([0, expect.stringContaining('by key:editor: why')]);
  await carryOut(store, part, {
    load: { state: 'SUCCESS', reason: null },
    count: { state: 'SUCCESS', reason: null },
  });
  const ended = await run(['cancel', part.id]);
  expect([ended.code, ended.stderr]).toEqual([2, expect.stringContaining('RUN_HAS_ENDED')]);
});

test('cancel --watch tells of a job until it has ended; its exit code is whether the cancel ended it', async () => {
  const first = await startRun();
  const id = jobRunIdOf(first.id, 'load');
  const watched = run(['cancel', id, '--watch', '--note', 'why']);
  await until(async () => (await store.jobRuns.get(id)).cancelRequest ?? undefined, 'it is asked for');
  await carryOut(store, first, {
    load: { state: 'FAILED', reason: 'cancelled' },
    count: { state: 'FAILED', reason: 'upstream_failed' },
  });
  const { code, stdout } = await watched;
  expect([code, stdout]).toEqual([0, expect.stringMatching(/Z {2}load {2}FAILED {2}cancelled/)]);
  expect(stdout).toContain('by key:editor: why');
  const late = await startRun();
  const other = jobRunIdOf(late.id, 'load');
  const missed = run(['cancel', other, '--watch', '--json']);
  await until(async () => (await store.jobRuns.get(other)).cancelRequest ?? undefined, 'it is asked for');
  const success: JobEnd = { state: 'SUCCESS', reason: null };
  await carryOut(store, late, { load: success, count: success });
  const said = await missed;
  expect([said.code, (JSON.parse(said.stdout) as JobRunDetail).state]).toEqual([1, 'SUCCESS']);
});

test.each([
  [['cancel', ''], 'cancel needs <runId>, and was given an empty text.'],
  [['retry', ' '], 'retry needs <jobRunId>, and was given an empty text.'],
  [['run', 'p', '--select', ''], 'a flag was given an empty text'],
])('%j is wrong use, and told in words', async (args, message) => {
  const { code, stderr } = await run(args);
  expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
});

test('commands for runs of one kind say so of the id of the other', async () => {
  const { id } = await startRun();
  const jobRun = jobRunIdOf(id, 'load');
  for (const args of [
    ['retry', id],
    ['mark', id, '--note', 'x'],
  ]) {
    const { code, stderr } = await run(args);
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining(`${id} is a graph run, and this takes the id of a job run`),
    ]);
  }
  for (const args of [
    ['pause', jobRun],
    ['unpause', jobRun],
    ['plan', jobRun],
    ['watch', jobRun],
  ]) {
    const { code, stderr } = await run(args);
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining(`${jobRun} is a job run, and this takes the id of a graph run`),
    ]);
  }
});

test('with --json an error is one JSON object on stderr', async () => {
  const problemOf = async (args: readonly string[]) => {
    const { code, stdout, stderr } = await run([...args, '--json']);
    expect([stdout, stderr.split('\n').length]).toEqual(['', 2]);
    return { code, problem: JSON.parse(stderr) as Record<string, unknown> };
  };
  const unknown = '0198c5a2-0000-7000-8000-000000000000';
  expect(await problemOf(['pause', unknown])).toMatchObject({
    code: 2,
    problem: {
      exitCode: 2,
      status: 404,
      code: 'GRAPH_RUN_UNKNOWN',
      detail: expect.stringContaining(unknown),
    },
  });
  expect(await problemOf(['cancel', ''])).toMatchObject({ code: 2, problem: { exitCode: 2, code: 'USAGE' } });
  expect(await problemOf(['cancel', 'x', '--colour'])).toMatchObject({
    code: 2,
    problem: { code: 'USAGE', detail: expect.stringContaining("unknown option '--colour'") },
  });
  expect(await problemOf(['show', unknown, '--url', 'http://127.0.0.1:9'])).toMatchObject({
    code: 3,
    problem: { exitCode: 3, code: 'SERVER_UNREACHABLE', url: 'http://127.0.0.1:9' },
  });
});
