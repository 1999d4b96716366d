// Resets of an execution that is not the latest one, which has done its jobs again.
import { expect } from 'vitest';
import { jobRunIdOf } from '../../store/index.ts';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { startHeld } from './support/start-held.ts';
import { reset, taskThatScheduled } from './support/temporal-cli.ts';
import { hasEnded, triesOf, untilIdle, untilShown } from './support/wait-for.ts';

const stack = await useFaultStack();
const { latches } = stack;

fault('21', 'reset of the first execution, when the next one has done its jobs again', async (clock) => {
  const id = await startHeld(stack, 'earlier', { config: { firstOnly: true } });
  const base = (await stack.client.graphRuns.get(id)).tasks[0]?.runId;
  const point = await taskThatScheduled(stack, id, 'held');
  const before = () => stack.client.jobRuns.get(jobRunIdOf(id, 'before'));
  const { output, completedAt } = await before();
  await reset(stack, id, 'FirstWorkflowTask');
  await until(async () => {
    const run = await stack.client.graphRuns.get(id);
    return run.epoch === 2 && hasEnded(run) ? true : undefined;
  }, 'the next one ends');
  expect((await before()).output).not.toEqual(output);
  await reset(stack, id, point, base);
  clock.over();
  await untilShown(stack, clock, id, ({ epoch }) => epoch === 3);
  latches.open('earlier');
  await expectSound(stack, clock);
  await untilIdle(stack);
  await expectSound(stack, clock);
  // It goes on from the first execution: what that one had done counts again, and is not done once more.
  expect(await before()).toMatchObject({ state: 'SUCCESS', epoch: 1, output, completedAt });
  expect(triesOf(stack, id, 'before')).toHaveLength(2);
  const { jobRuns } = await stack.client.graphRuns.get(id);
  expect(jobRuns.map(({ job, epoch }) => [job, epoch])).toEqual([
    ['before', 1],
    ['held', 3],
    ['after', 3],
  ]);
});
