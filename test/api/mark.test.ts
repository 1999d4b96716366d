import { expect, test } from 'vitest';
import type { EventPage, GraphRunView, JobRunDetail, ResumePlanView } from '../../graph/resources.ts';
import { jobRunIdOf } from '../../store/index.ts';
import { carryOut, useCli } from '../cli/use-cli.ts';

const { call, makeProject, run: cli, store } = await useCli();

/** A run whose job `load` has failed. */
async function failedRun() {
  const run = (await call<GraphRunView>('POST', `/v1/projects/${await makeProject()}/runs`)).body;
  await carryOut(store, run, {
    load: { state: 'FAILED', reason: 'error' },
    count: { state: 'FAILED', reason: 'upstream_failed' },
  });
  const id = jobRunIdOf(run.id, 'load');
  return { run, id, url: `/v1/job-runs/${id}` };
}

test('a mark is kept with who, why and the output, and is told by the plan of a resume', async () => {
  const { run, id, url } = await failedRun();
  const payload = { note: 'did it in psql', output: { rows: 3 } };
  const { status, headers, body } = await call<JobRunDetail>('POST', `${url}/mark`, { payload });
  expect([status, headers.location]).toEqual([200, url]);
  const mark = { at: expect.any(String), by: 'key:editor', note: 'did it in psql' };
  expect(body).toMatchObject({ id, state: 'FAILED', reason: 'error', output: null, mark });
  expect((await call('GET', url)).body).toEqual(body);
  const { items } = (await call<EventPage>('GET', `/v1/events?project=${run.project}&limit=100`)).body;
  expect(items.filter(({ type }) => type === 'mark')).toMatchObject([
    {
      graphRunId: run.id,
      jobRunId: id,
      job: 'load',
      actor: 'key:editor',
      note: 'did it in psql',
      state: null,
    },
  ]);
  const plan = (await call<ResumePlanView>('POST', `/v1/graph-runs/${run.id}/plan`)).body;
  expect(plan.jobs).toMatchObject([
    { job: 'load', action: 'keep', reasons: [{ reason: 'marked' }] },
    { job: 'count', action: 'rerun', reasons: [{ reason: 'unreached' }] },
  ]);
  await call('POST', `/v1/graph-runs/${run.id}/resume`);
  expect((await call('GET', url)).body).toMatchObject({
    ...{ state: 'SUCCESS', reason: 'marked', epoch: 2, output: { rows: 3 }, mark },
  });
});

test('a later mark keeps the output of an earlier one unless it gives another', async () => {
  const { id, url } = await failedRun();
  const mark = async (payload: { note: string; output?: unknown }) =>
    (await call<JobRunDetail>('POST', `${url}/mark`, { payload })).body;
  expect(await mark({ note: 'first', output: { rows: 3 } })).toMatchObject({ markOutput: { rows: 3 } });
  expect(await mark({ note: 'more' })).toMatchObject({ mark: { note: 'more' }, markOutput: { rows: 3 } });
  expect(await mark({ note: 'other', output: { rows: 4 } })).toMatchObject({ markOutput: { rows: 4 } });
  const { stdout } = await cli(['mark', id, '--note', 'by hand']);
  expect(stdout).toMatch(/: by hand\nwith the output \{"rows":4\}\n$/);
  expect((await cli(['show', id])).stdout).toContain('output by the mark:\n    {\n      "rows": 4\n    }');
});

test.each([
  [{}, '/note'],
  [{ note: '' }, '/note'],
  [{ note: 'x', outputs: 1 }, ''],
])('a body that is not one of a mark is refused', async (payload, path) => {
  const { url } = await failedRun();
  const { status, problem } = await call('POST', `${url}/mark`, { payload });
  expect([status, problem.code, problem.problems?.[0]?.path]).toEqual([
    400,
    'REQUEST_INVALID',
    expect.stringContaining(path),
  ]);
});

test('graphrun mark marks it, show and plan tell so', async () => {
  const { run, id } = await failedRun();
  const marked = await cli(['mark', id, '--note', 'did it in psql', '--output', '{"rows":3}']);
  expect([marked.code, marked.stderr]).toEqual([0, `go on with: graphrun resume ${run.id}\n`]);
  expect(marked.stdout).toMatch(
    /^load: marked as done \d{4}-.* by key:editor: did it in psql\nwith the output \{"rows":3\}\n$/,
  );
  expect((await cli(['show', id])).stdout).toMatch(/^marked +as done \d{4}-.* did it in psql$/m);
  expect((await cli(['plan', run.id])).stdout).toMatch(/^keep +load +was marked as done by hand$/m);
  const wrong = await cli(['mark', id, '--note', 'x', '--output', '{rows']);
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('--output is not JSON: {rows')]);
  expect((await cli(['mark', id])).code).toBe(2);
});
