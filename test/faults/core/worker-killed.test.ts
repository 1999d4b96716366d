import { expect } from 'vitest';
import { graphRunWorkflowId } from '../../../workflows/contract.ts';
import { expectSound } from '../support/expect-sound.ts';
import { fault } from '../support/fault.ts';
import { useFaultStack } from '../support/fault-stack.ts';
import {
  attemptsOf,
  loseBlocked,
  rowOf,
  untilBlocked,
  untilPublished,
  whileLocked,
  workerOf,
} from '../support/observe.ts';

const stack = await useFaultStack({ workers: 2 });
const { latches } = stack;

/** Heartbeat time-out, sticky time-out, and 5 s. */
const lostWithinMs = 19_000;

fault('1', 'a worker killed before a job began in it', async (clock) => {
  await stack.push({
    project: 'killed-before',
    jobs: {
      gate: { kind: 'step', config: { latch: 'before' } },
      held: { kind: 'count', dependsOn: ['gate'] },
      after: { kind: 'count', dependsOn: ['held'] },
    },
  });
  const id = await stack.start('killed-before');
  await latches.reached('before');
  await whileLocked(stack, rowOf(id, 'held'), async () => {
    latches.open('before');
    await untilBlocked(stack);
    // Its start waits for the row; no word of it is written.
    await (await workerOf(stack, graphRunWorkflowId(id, 1), 'held')).kill();
    await loseBlocked(stack);
  });
  clock.over();
  await expectSound(stack, clock, lostWithinMs);
  expect(await attemptsOf(stack, id, 'held')).toEqual(['SUCCESS']);
});

fault('1', 'a worker killed in a job', async (clock) => {
  await stack.push({
    project: 'killed-in-job',
    jobs: {
      before: { kind: 'count' },
      held: { kind: 'count', config: { latch: 'in-job' }, dependsOn: ['before'] },
      after: { kind: 'count', dependsOn: ['held'] },
    },
  });
  const id = await stack.start('killed-in-job');
  await stack.workerWith(await latches.reached('in-job')).kill();
  clock.over();
  latches.open('in-job');
  await expectSound(stack, clock, lostWithinMs);
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/lost', 'SUCCESS']);
});

fault('1', 'a worker killed between its commit in the warehouse and its report', async (clock) => {
  await stack.push({
    project: 'killed-unreported',
    jobs: {
      held: { kind: 'count', config: { latch: 'unreported' } },
      after: { kind: 'count', dependsOn: ['held'] },
    },
  });
  const id = await stack.start('killed-unreported');
  const worker = stack.workerWith(await latches.reached('unreported'));
  await whileLocked(stack, rowOf(id, 'held'), async () => {
    latches.open('unreported');
    await untilPublished(stack, id, 'held');
    await worker.kill();
    await loseBlocked(stack);
  });
  clock.over();
  await expectSound(stack, clock, lostWithinMs);
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/lost', 'SUCCESS']);
});
