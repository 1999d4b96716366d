import { expect, test } from 'vitest';
import type { GraphRunView, JobRunDetail } from '../../graph/resources.ts';
import type { JobEnd } from '../../graph/states.ts';
import { jobRunIdOf } from '../../store/index.ts';
import { useCli } from '../cli/use-cli.ts';

const { call, makeProject, run: cli, store, temporal } = await useCli();

async function endedAs(end: JobEnd): Promise<JobRunDetail> {
  const project = await makeProject();
  const made = (await call<JobRunDetail>('POST', `/v1/projects/${project}/jobs/load/runs`)).body;
  const runId = `execution-of-${made.id}`;
  const identity = { workflowId: `job-run/${made.id}/1`, runId, firstExecutionRunId: runId };
  const known = { jobRunId: made.id, epoch: 1 };
  await store.execution.openJobRun({ identity, known, project, job: 'load', params: {}, actor: 'test' });
  await store.execution.closeJobRun({ runId, end, error: null, actor: 'test' }, async () => new Map());
  return made;
}

const failed: JobEnd = { state: 'FAILED', reason: 'error' };

test('a resume makes the job run PENDING at its next epoch, and starts its workflow', async () => {
  const { id, project } = await endedAs(failed);
  const { status, headers, body } = await call<JobRunDetail>('POST', `/v1/job-runs/${id}/resume`);
  expect([status, headers.location]).toEqual([200, `/v1/job-runs/${id}`]);
  expect(body).toMatchObject({
    id,
    state: 'PENDING',
    reason: 'queued',
    epoch: 2,
    completedAt: null,
    error: null,
  });
  expect(temporal.jobRuns.at(-1)).toMatchObject({ id, project, job: 'load', workflowId: `job-run/${id}/2` });
});

test('while Temporal is away it waits to be started', async () => {
  const { id } = await endedAs(failed);
  temporal.isAway = true;
  const { status } = await call('POST', `/v1/job-runs/${id}/resume`);
  temporal.isAway = false;
  expect(status).toBe(200);
  const waiting = await store.jobRuns.unstarted(new Date(Date.now() + 1_000), 500);
  expect(waiting).toContainEqual(expect.objectContaining({ id, workflowId: `job-run/${id}/2` }));
});

test('what is open, has succeeded, is part of a graph run or is not there is refused', async () => {
  const refusal = async (id: string) => {
    const { status, problem } = await call('POST', `/v1/job-runs/${id}/resume`);
    return [status, problem.code, problem.data ?? null];
  };
  const project = await makeProject();
  const open = (await call<JobRunDetail>('POST', `/v1/projects/${project}/jobs/load/runs`)).body;
  expect(await refusal(open.id)).toEqual([409, 'RUN_IS_OPEN', null]);
  expect(await refusal((await endedAs({ state: 'SUCCESS', reason: null })).id)).toEqual([
    409,
    'NOTHING_TO_RESUME',
    null,
  ]);
  const run = (await call<GraphRunView>('POST', `/v1/projects/${project}/runs`)).body;
  expect(await refusal(jobRunIdOf(run.id, 'load'))).toEqual([
    409,
    'JOB_RUN_IN_GRAPH_RUN',
    { graphRunId: run.id },
  ]);
  expect(await refusal('not-an-id')).toEqual([404, 'JOB_RUN_UNKNOWN', null]);
});

test('graphrun resume takes the id of a job that was run alone', async () => {
  const { id } = await endedAs(failed);
  const wrong = await cli(['resume', id, '--from', 'load']);
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('are of graph runs')]);
  const { code, stdout, stderr } = await cli(['resume', id]);
  expect([code, stdout, stderr]).toEqual([
    0,
    `${id}\n`,
    `epoch 2; see how it ends with: graphrun show ${id}\n`,
  ]);
});

test('graphrun resume --watch tells of the job until it has ended', async () => {
  const { id, project } = await endedAs(failed);
  const { startJobRun } = temporal;
  temporal.startJobRun = async ({ workflowId }) => {
    temporal.startJobRun = startJobRun;
    const runId = `second-execution-of-${id}`;
    const identity = { workflowId, runId, firstExecutionRunId: runId };
    const known = { jobRunId: id, epoch: 2 };
    await store.execution.openJobRun({ identity, known, project, job: 'load', params: {}, actor: 'test' });
    const end = { runId, end: failed, error: { type: 'Error', message: 'again' }, actor: 'test' };
    await store.execution.closeJobRun(end, async () => new Map());
    return null;
  };
  const { code, stdout } = await cli(['resume', id, '--watch']);
  expect([code, stdout]).toEqual([1, expect.stringMatching(/Z {2}load {2}FAILED {2}error/)]);
  expect(stdout).toContain('    again\n');
});
