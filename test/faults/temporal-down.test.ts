// Temporal's server gone without a word, and back with what it had stored.
import { expect } from 'vitest';
import { graphRunWorkflowId } from '../../workflows/contract.ts';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { untilJobIs } from './support/observe.ts';
import { ask, trigger, whileDown, whileSilent } from './support/outage.ts';
import { triesOf, untilBegun } from './support/wait-for.ts';

const stack = await useFaultStack({ workers: 2 });
const { latches } = stack;

/** Beats that were missed end an attempt, and it is begun again: that long after Temporal is back, at most. */
const completeWithinMs = 20_000;

/** Jobs in flight, and one that ends when its latch is opened. */
async function startInFlight(project: string): Promise<{ readonly id: string; readonly inFlight: string[] }> {
  const held = Array.from({ length: 6 }, (_, job) => [
    `held_${job}`,
    { kind: job % 2 === 0 ? 'count' : 'step', config: { latch: project }, dependsOn: ['before'] },
  ]);
  const inFlight = held.map(([job]) => String(job));
  await stack.push({
    project,
    jobs: {
      before: { kind: 'count' },
      ends: { kind: 'count', config: { latch: `${project}-ends` }, dependsOn: ['before'] },
      ...Object.fromEntries(held),
      after: { kind: 'count', dependsOn: ['ends', ...inFlight] },
    },
  });
  const id = await stack.start(project);
  for (const job of ['ends', ...inFlight]) await untilBegun(stack, id, job);
  return { id, inFlight };
}

/** Its end shows, though Temporal has not heard of it. */
async function letOneEnd(project: string, id: string): Promise<void> {
  latches.open(`${project}-ends`);
  await untilJobIs(stack, id, 'ends', 'SUCCESS');
}

async function expectNoneRecordedAgain(id: string, inFlight: readonly string[]): Promise<void> {
  const run = await stack.client.graphRuns.get(id);
  expect(run.state).toBe('SUCCESS');
  expect(run.jobRuns.map(({ state }) => state)).toEqual(run.jobRuns.map(() => 'SUCCESS'));
  // Recorded: not begun again, though its answer was lost.
  for (const job of ['before', 'ends', 'after']) expect(triesOf(stack, id, job)).toHaveLength(1);
  for (const job of inFlight) expect(triesOf(stack, id, job).length).toBeLessThanOrEqual(2);
}

const temporalAway = { status: 503, body: { ready: false, checks: { database: 'up', temporal: 'down' } } };

fault('14', 'Temporal killed for 20 s, while jobs are in flight and some of them end', async (clock) => {
  const { id, inFlight } = await startInFlight('killed');
  await whileDown(stack.temporal, async () => {
    expect(await ask(stack, '/health/ready')).toMatchObject(temporalAway);
    await letOneEnd('killed', id);
  });
  clock.over();
  await untilReady();
  latches.open('killed');
  await expectSound(stack, clock, completeWithinMs);
  await expectNoneRecordedAgain(id, inFlight);
});

fault('14', 'Temporal silent for 20 s, its connections open, while jobs are in flight', async (clock) => {
  const { id, inFlight } = await startInFlight('silent');
  await stack.push({ project: 'triggered', jobs: { a: { kind: 'count' } } });
  await whileSilent(stack.temporal, async () => {
    expect(await ask(stack, '/health/ready')).toMatchObject(temporalAway);
    await letOneEnd('silent', id);
    stack.runs.push((await stack.client.graphRuns.start('triggered')).id);
  });
  clock.over();
  await untilReady();
  latches.open('silent');
  await expectSound(stack, clock, completeWithinMs);
  await expectNoneRecordedAgain(id, inFlight);
});

fault(
  '15',
  'Temporal away at a trigger: acknowledged, visible, and started once it is back',
  async (clock) => {
    await stack.push({
      project: 'trigger',
      jobs: { a: { kind: 'count' }, b: { kind: 'step', dependsOn: ['a'] } },
    });
    let id = '';
    await whileDown(
      stack.temporal,
      async () => {
        const first = await trigger(stack, 'trigger', 'same');
        const again = await trigger(stack, 'trigger', 'same');
        expect([first.status, again.status]).toEqual([201, 201]);
        expect(again.body).toEqual(first.body);
        const { items } = await stack.client.graphRuns.list({ project: 'trigger' });
        expect(items).toMatchObject([{ state: 'PENDING', completedAt: null }]);
        id = items[0]?.id ?? '';
        stack.runs.push(id);
        const explanation = await stack.client.graphRuns.explain(id);
        expect(JSON.stringify(explanation)).toContain('Temporal');
      },
      5_000,
    );
    clock.over();
    await expectSound(stack, clock, 10_000);
    const executions = [];
    const query = `WorkflowId = "${graphRunWorkflowId(id, 1)}"`;
    for await (const execution of stack.temporalClient.workflow.list({ query })) executions.push(execution);
    expect(executions).toHaveLength(1);
    expect((await stack.client.graphRuns.get(id)).state).toBe('SUCCESS');
  },
);

/** The API sees soon that Temporal is back, however long it was away. */
async function untilReady(): Promise<void> {
  const isReady = async () => (await ask(stack, '/health/ready')).status === 200 || undefined;
  await until(isReady, 'the API is ready again', 3_000);
}
