import { expect, test } from 'vitest';
import type { EventPage, GraphRunView } from '../../graph/resources.ts';
import { carryOut } from '../cli/use-cli.ts';
import { useApi } from './test-api.ts';

const { call, makeProject, store, temporal } = await useApi();

async function startRun(): Promise<GraphRunView> {
  return (await call<GraphRunView>('POST', `/v1/projects/${await makeProject()}/runs`)).body;
}

/** As a worker opens it. */
async function open({ id, workflowId, project }: GraphRunView): Promise<string> {
  const runId = `execution-of-${id}`;
  const identity = { workflowId, runId, firstExecutionRunId: runId };
  const known = { graphRunId: id, epoch: 1 };
  await store.execution.openGraphRun({ identity, known, project, params: {}, select: null, actor: 'test' });
  return runId;
}

const pauseEvents = async (project: string) =>
  (await call<EventPage>('GET', `/v1/events?project=${project}&limit=100`)).body.items.filter(({ type }) =>
    ['pause', 'unpause'].includes(type),
  );

test('a pause is kept with who and why, and told to the workflow under its number', async () => {
  const run = await startRun();
  const runId = await open(run);
  const payload = { note: 'too hot' };
  const { status, headers, body } = await call<GraphRunView>('POST', `/v1/graph-runs/${run.id}/pause`, {
    payload,
  });
  expect([status, headers.location]).toEqual([202, `/v1/graph-runs/${run.id}`]);
  const pause = { at: expect.any(String), by: 'key:editor', note: 'too hot' };
  expect(body).toMatchObject({ state: 'RUNNING', reason: 'paused', pause });
  expect((await call('GET', `/v1/graph-runs/${run.id}`)).body).toMatchObject({ ...body, pause: body.pause });
  const told = { workflowId: run.workflowId, runId, name: 'graphrun:set-pause', by: 'key:editor' };
  expect(temporal.signals.at(-1)).toEqual({
    ...told,
    requestId: 'pause/1',
    input: { number: 1, paused: true },
  });

  const on = await call<GraphRunView>('POST', `/v1/graph-runs/${run.id}/unpause`, {
    payload: { note: 'cool' },
    role: 'admin',
  });
  expect([on.status, on.body.state, on.body.reason, on.body.pause]).toEqual([202, 'RUNNING', null, null]);
  expect(temporal.signals.at(-1)).toEqual({
    ...{ ...told, by: 'key:admin' },
    ...{ requestId: 'pause/2', input: { number: 2, paused: false } },
  });
  expect(await pauseEvents(run.project)).toMatchObject([
    { type: 'pause', graphRunId: run.id, state: null, epoch: 1, actor: 'key:editor', note: 'too hot' },
    { type: 'unpause', graphRunId: run.id, state: null, epoch: 1, actor: 'key:admin', note: 'cool' },
  ]);
  expect(await store.pauses.untold(null, 100)).toEqual([]);
});

test('a second pause changes nothing, and neither does an unpause of a run that is not paused', async () => {
  const run = await startRun();
  await open(run);
  const url = `/v1/graph-runs/${run.id}`;
  expect((await call<GraphRunView>('POST', `${url}/unpause`)).body).toMatchObject({
    reason: null,
    pause: null,
  });
  const first = await call('POST', `${url}/pause`, { payload: { note: 'one' } });
  const second = await call('POST', `${url}/pause`, { payload: { note: 'two' }, role: 'admin' });
  expect([second.status, second.body]).toEqual([202, first.body]);
  expect(await pauseEvents(run.project)).toHaveLength(1);
});

test('a pause that is sent again with its key is replayed, though the run goes on since', async () => {
  const run = await startRun();
  await open(run);
  const url = `/v1/graph-runs/${run.id}`;
  const sent = { headers: { 'idempotency-key': 'hold-it' } };
  const first = await call('POST', `${url}/pause`, sent);
  await call('POST', `${url}/unpause`);
  const again = await call('POST', `${url}/pause`, sent);
  expect([again.body, again.headers['idempotency-replayed']]).toEqual([first.body, 'true']);
  expect((await store.graphRuns.get(run.id)).pause).toBeNull();
});

test('while Temporal is away a pause is taken all the same, and waits to be told', async () => {
  const run = await startRun();
  const runId = await open(run);
  temporal.isAway = true;
  const { status } = await call('POST', `/v1/graph-runs/${run.id}/pause`);
  temporal.isAway = false;
  expect(status).toBe(202);
  const untold = await store.pauses.untold(null, 100);
  expect(untold.filter(({ id }) => id === run.id)).toMatchObject([
    { workflowId: run.workflowId, runId, epoch: 1, number: 1, paused: true, by: 'key:editor' },
  ]);
});

test('a run that no workflow carries out yet is paused for when one does', async () => {
  const run = await startRun();
  const sent = temporal.signals.length;
  const { body } = await call<GraphRunView>('POST', `/v1/graph-runs/${run.id}/pause`);
  expect(body).toMatchObject({ state: 'PENDING', reason: 'queued', pause: { by: 'key:editor' } });
  expect(temporal.signals).toHaveLength(sent);
  await open(run);
  expect(await store.graphRuns.get(run.id)).toMatchObject({ state: 'RUNNING', reason: 'paused' });
});

test.each(['pause', 'unpause'])('%s of a run that has ended, or is not there, is refused', async (action) => {
  const run = await startRun();
  const end = { state: 'SUCCESS', reason: null } as const;
  await carryOut(store, run, { load: end, count: end });
  const { status, problem } = await call('POST', `/v1/graph-runs/${run.id}/${action}`);
  expect([status, problem.code, problem.detail]).toEqual([
    409,
    'RUN_HAS_ENDED',
    expect.stringContaining(action),
  ]);
  for (const id of ['0198c5a2-0000-7000-8000-000000000000', 'not-an-id']) {
    const unknown = await call('POST', `/v1/graph-runs/${id}/${action}`);
    expect([unknown.status, unknown.problem.code]).toEqual([404, 'GRAPH_RUN_UNKNOWN']);
  }
});
