// Temporal's server gone without a word, and back with what it had stored.
import { expect } from 'vitest';
import { graphRunWorkflowId } from '../../workflows/contract.ts';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { ask, trigger, whileDown } from './support/outage.ts';
import { triesOf, untilBegun } from './support/wait-for.ts';

const stack = await useFaultStack({ workers: 2 });
const { latches } = stack;

/** Beats that were missed end an attempt, and it is begun again: that long after Temporal is back, at most. */
const completeWithinMs = 20_000;

fault('14', 'Temporal killed for 20 s, while jobs are in flight and some of them end', async (clock) => {
  const held = Array.from({ length: 6 }, (_, job) => [
    `held_${job}`,
    { kind: job % 2 === 0 ? 'count' : 'step', config: { latch: 'in-flight' }, dependsOn: ['before'] },
  ]);
  const inFlight = held.map(([job]) => String(job));
  await stack.push({
    project: 'in-flight',
    jobs: {
      before: { kind: 'count' },
      ends: { kind: 'count', config: { latch: 'ends' }, dependsOn: ['before'] },
      ...Object.fromEntries(held),
      after: { kind: 'count', dependsOn: ['ends', ...inFlight] },
    },
  });
  const id = await stack.start('in-flight');
  for (const job of ['ends', ...inFlight]) await untilBegun(stack, id, job);
  await whileDown(stack.temporal, async () => {
    expect(await ask(stack, '/health/ready')).toMatchObject({
      status: 503,
      body: { ready: false, checks: { database: 'up', temporal: 'down' } },
    });
    latches.open('ends');
    await until(async () => {
      const { jobRuns } = await stack.client.graphRuns.get(id);
      return jobRuns.find(({ job }) => job === 'ends')?.state === 'SUCCESS' || undefined;
    }, 'its end shows, though Temporal has not heard of it');
  });
  clock.over();
  await untilReady();
  latches.open('in-flight');
  await expectSound(stack, clock, completeWithinMs);
  const run = await stack.client.graphRuns.get(id);
  expect(run.state).toBe('SUCCESS');
  expect(run.jobRuns.map(({ state }) => state)).toEqual(run.jobRuns.map(() => 'SUCCESS'));
  // Recorded: not begun again, though its answer was lost.
  for (const job of ['before', 'ends', 'after']) expect(triesOf(stack, id, job)).toHaveLength(1);
  for (const job of inFlight) expect(triesOf(stack, id, job).length).toBeLessThanOrEqual(2);
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
