import { describe, expect, test } from 'vitest';
import type { GraphRunDetail, GraphRunView, ResumePlanView } from '../../graph/resources.ts';
import type { JobEnd } from '../../graph/states.ts';
import { carryOut } from '../cli/use-cli.ts';
import { useApi } from './test-api.ts';

const { call, makeProject, store, temporal } = await useApi();

const success: JobEnd = { state: 'SUCCESS', reason: null };
const failed = (reason: 'error' | 'upstream_failed'): JobEnd => ({ state: 'FAILED', reason });
const broken = { load: failed('error'), count: failed('upstream_failed') };

async function endedRun(jobs: Readonly<Record<string, JobEnd>>): Promise<GraphRunView> {
  const { body } = await call<GraphRunView>('POST', `/v1/projects/${await makeProject()}/runs`);
  await carryOut(store, body, jobs);
  return body;
}

describe('a plan', () => {
  test('tells for every job whether it runs again and why, and changes nothing', async () => {
    const { id } = await endedRun({ ...broken, load: success });
    const { status, body } = await call<ResumePlanView>('POST', `/v1/graph-runs/${id}/plan`, {
      role: 'viewer',
    });
    expect([status, body]).toEqual([
      200,
      {
        ...{
          graphRunId: id,
          epoch: 1,
          version: 1,
          latestVersion: 1,
          hash: expect.stringMatching(/^[0-9a-f]{64}$/),
        },
        jobs: [
          { job: 'load', action: 'keep', reasons: [{ reason: 'succeeded', because: [] }] },
          { job: 'count', action: 'rerun', reasons: [{ reason: 'unreached', because: [] }] },
        ],
      },
    ]);
    const shown = await call<GraphRunDetail>('GET', `/v1/graph-runs/${id}`);
    expect(shown.body).toMatchObject({ state: 'FAILED', epoch: 1 });
  });
});

describe('a resume', () => {
  test('makes the run PENDING at its next epoch, and starts its workflow', async () => {
    const { id, project } = await endedRun(broken);
    const plan = await call<ResumePlanView>('POST', `/v1/graph-runs/${id}/plan`);
    const { status, headers, body } = await call<GraphRunView>('POST', `/v1/graph-runs/${id}/resume`, {
      payload: { plan: plan.body.hash },
    });
    expect([status, headers.location]).toEqual([200, `/v1/graph-runs/${id}`]);
    expect(body).toMatchObject({
      ...{ id, project, state: 'PENDING', reason: 'queued', epoch: 2, completedAt: null },
      ...{ workflowId: `graph-run/${id}/2`, jobCounts: { PENDING: 2, RUNNING: 0, FAILED: 0, SUCCESS: 0 } },
    });
    expect(temporal.graphRuns.at(-1)).toMatchObject({ id, workflowId: `graph-run/${id}/2` });
  });

  test('waits to be started while Temporal is away', async () => {
    const { id } = await endedRun(broken);
    temporal.isAway = true;
    const { status } = await call('POST', `/v1/graph-runs/${id}/resume`);
    temporal.isAway = false;
    expect(status).toBe(200);
    const waiting = await store.graphRuns.unstarted(new Date(Date.now() + 1_000), 500);
    expect(waiting).toContainEqual(expect.objectContaining({ id, workflowId: `graph-run/${id}/2` }));
  });

  test.each([
    [
      'that is open',
      async () => (await call<GraphRunView>('POST', `/v1/projects/${await makeProject()}/runs`)).body.id,
      {},
      409,
      'RUN_IS_OPEN',
    ],
    [
      'that succeeded, from nowhere',
      async () => (await endedRun({ load: success, count: success })).id,
      {},
      409,
      'NOTHING_TO_RESUME',
    ],
    ['whose plan is another', async () => (await endedRun(broken)).id, { plan: 'old' }, 409, 'PLAN_OUTDATED'],
    [
      'from a job that it has not',
      async () => (await endedRun(broken)).id,
      { from: ['other'] },
      422,
      'SELECTION_INVALID',
    ],
    ['from no job', async () => (await endedRun(broken)).id, { from: [] }, 400, 'REQUEST_INVALID'],
    ['that nobody knows', async () => 'nobody', {}, 404, 'GRAPH_RUN_UNKNOWN'],
  ])('of a run %s is refused, and changes nothing', async (_what, make, payload, status, code) => {
    const id = await make();
    const answer = await call('POST', `/v1/graph-runs/${id}/resume`, { payload });
    expect([answer.status, answer.problem.code]).toEqual([status, code]);
    if (status !== 404) expect((await store.graphRuns.get(id)).epoch).toBe(1);
  });

  test('of an invalid run is refused: it has no graph', async () => {
    const identity = { workflowId: 'outside-1', runId: 'r1', firstExecutionRunId: 'r1' };
    await store.execution.rejectGraphRun({
      identity,
      project: 'none',
      message: 'no such project',
      actor: 'test',
    });
    const list = await call<{ items: GraphRunView[] }>('GET', '/v1/graph-runs?state=FAILED&limit=1');
    const { status, problem } = await call('POST', `/v1/graph-runs/${list.body.items[0]?.id}/plan`);
    expect([status, problem.code]).toEqual([409, 'RUN_INVALID']);
  });
});
