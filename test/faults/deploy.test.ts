// A deploy that does not fit the runs that it finds, and then one that does.
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { GraphRunDetail } from '../../graph/resources.ts';
import { graphRunWorkflowId } from '../../workflows/contract.ts';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { type FaultClock, fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { attemptsOf } from './support/observe.ts';
import { shownWithinMs, untilBegun } from './support/wait-for.ts';

const stack = await useFaultStack();
const { latches } = stack;

/** The workflow tasks that a bad deploy did not answer have to time out, and come again after growing pauses. */
const recoversWithinMs = 40_000;

/** Replaces the worker by one whose workflows are other ones, while `held` runs; resolves with the run once it shows. */
async function deployBadly(project: string, workflows: string): Promise<GraphRunDetail> {
  await stack.push({
    project,
    jobs: {
      before: { kind: 'count' },
      held: { kind: 'count', config: { latch: project }, dependsOn: ['before'] },
      after: { kind: 'count', dependsOn: ['held'] },
    },
  });
  const id = await stack.start(project);
  await untilBegun(stack, id, 'held');
  const [worker] = stack.workers;
  const draining = worker?.drain();
  // It ends its job, and leaves what comes of that to the next deploy.
  latches.open(project);
  await draining;
  await worker?.start({
    FAULT_WORKFLOWS: fileURLToPath(new URL(`../watch/fixtures/${workflows}.ts`, import.meta.url)),
  });
  await untilTaskFailed(id);
  return until(
    async () => {
      const run = await stack.client.graphRuns.get(id);
      return run.reason === 'stuck' ? run : undefined;
    },
    'the run shows as stuck',
    shownWithinMs,
  );
}

/** Waits until Temporal tells that the run's workflow task fails. */
async function untilTaskFailed(id: string): Promise<void> {
  const handle = stack.temporalClient.workflow.getHandle(graphRunWorkflowId(id, 1));
  await until(async () => {
    const { events } = await handle.fetchHistory();
    return events?.some((event) => event.workflowTaskFailedEventAttributes) || undefined;
  }, 'a workflow task fails');
}

async function expectRecovery(clock: FaultClock, { id }: GraphRunDetail): Promise<void> {
  const [worker] = stack.workers;
  await worker?.drain();
  await worker?.start();
  clock.over();
  await expectSound(stack, clock, recoversWithinMs);
  expect(await stack.client.graphRuns.get(id)).toMatchObject({ state: 'SUCCESS', reason: null, error: null });
  for (const job of ['before', 'held', 'after'])
    expect(await attemptsOf(stack, id, job)).toEqual(['SUCCESS']);
}

fault(
  '24, 25',
  'a deploy whose workflows throw, in the middle of a run, and then one that works',
  async (clock) => {
    const stuck = await deployBadly('thrown', 'broken-workflows');
    expect(stuck).toMatchObject({ state: 'RUNNING', error: { message: 'this deploy is broken' } });
    const explained = await stack.client.graphRuns.explain(stuck.id);
    expect(explained.run.message).toContain('this deploy is broken');
    await expectRecovery(clock, stuck);
  },
);

fault(
  '24, 25',
  'a deploy whose workflows do other things than histories say, and then one that fits',
  async (clock) => {
    const stuck = await deployBadly('changed', 'changed-workflows');
    expect(stuck).toMatchObject({ state: 'RUNNING', error: { type: 'NON_DETERMINISTIC_ERROR' } });
    const explained = await stack.client.graphRuns.explain(stuck.id);
    expect(explained.run).toMatchObject({ reason: 'stuck' });
    await expectRecovery(clock, stuck);
  },
);
