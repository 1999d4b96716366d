import { expect, test } from 'vitest';
import type { GraphRunView, Page, ProjectView } from '../../graph/resources.ts';
import { carryOut } from '../cli/use-cli.ts';
import { newName, twoJobs, useApi } from './test-api.ts';

const { call, store, temporal } = await useApi({ requestsPerSecondMax: 100_000 });

async function makeProject(maxOpenRuns?: number): Promise<string> {
  const name = newName();
  const { maxOpenRuns: _, ...graph } = twoJobs(name);
  await call('POST', '/v1/projects', { payload: { name } });
  const payload = { ...graph, ...(maxOpenRuns && { maxOpenRuns }) };
  expect((await call('PUT', `/v1/projects/${name}/graph`, { payload })).status).toBe(201);
  return name;
}

const trigger = (name: string) => call<GraphRunView>('POST', `/v1/projects/${name}/runs`);
const startedIds = () => temporal.graphRuns.map(({ id }) => id);

test('one run of a project is open unless its graph says otherwise: the next is taken, and not started', async () => {
  const name = await makeProject();
  const [first, second] = [await trigger(name), await trigger(name)];
  expect([first.status, first.body.reason, second.status, second.body.reason]).toEqual([
    201,
    'queued',
    201,
    'slot',
  ]);
  expect(startedIds()).toContain(first.body.id);
  expect(startedIds()).not.toContain(second.body.id);
  const listed = await call<Page<GraphRunView>>('GET', `/v1/graph-runs?project=${name}&state=PENDING`);
  expect(listed.body.items.map(({ id, reason }) => [id, reason])).toEqual([
    [second.body.id, 'slot'],
    [first.body.id, 'queued'],
  ]);
  expect((await call<ProjectView>('GET', `/v1/projects/${name}`)).body.state).toBe('PENDING');
  const end = { state: 'SUCCESS', reason: null } as const;
  await carryOut(store, first.body, { load: end, count: end });
  expect((await store.graphRuns.get(second.body.id)).reason).toBe('queued');
});

test('a waiting run that is cancelled has ended, and Temporal is not asked', async () => {
  const name = await makeProject();
  await trigger(name);
  const { body: waiting } = await trigger(name);
  const asked = temporal.cancels.length;
  const cancelled = await call<GraphRunView>('POST', `/v1/graph-runs/${waiting.id}/cancel`);
  expect([cancelled.status, cancelled.body.state, cancelled.body.reason]).toEqual([
    202,
    'FAILED',
    'cancelled',
  ]);
  expect(temporal.cancels).toHaveLength(asked);
  const resumed = await call<GraphRunView>('POST', `/v1/graph-runs/${waiting.id}/resume`);
  expect([resumed.status, resumed.body.reason]).toEqual([200, 'slot']);
  expect(startedIds()).not.toContain(waiting.id);
});

test('a project that is triggered many times at once holds up no other', async () => {
  const [busy, other] = [await makeProject(), await makeProject(1_000)];
  const timed = async () => {
    const begin = performance.now();
    expect((await trigger(other)).status).toBe(201);
    return performance.now() - begin;
  };
  const alone = await timed();
  let answered = 0;
  const flood = Promise.all(Array.from({ length: 60 }, () => trigger(busy).finally(() => (answered += 1))));
  const beside = await timed();
  // Not behind all of them.
  expect(answered).toBeLessThan(60);
  expect(beside - alone).toBeLessThan(2_000);
  const triggered = await flood;
  expect(triggered.map(({ status }) => status)).toEqual(triggered.map(() => 201));
  expect(triggered.filter(({ body }) => body.reason === 'queued')).toHaveLength(1);
});
