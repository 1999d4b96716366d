// What people do to a run with Temporal's own command line, while a job works that takes no notice of it.
import { expect } from 'vitest';
import { expectSound } from '../support/expect-sound.ts';
import { fault } from '../support/fault.ts';
import { useFaultStack } from '../support/fault-stack.ts';
import { attemptsOf } from '../support/observe.ts';
import { startHeld } from '../support/start-held.ts';
import { reset, taskThatScheduled, temporalFor } from '../support/temporal-cli.ts';
import { untilBegun, untilIdle, untilShown } from '../support/wait-for.ts';

const stack = await useFaultStack();
const { latches } = stack;

fault('19', 'terminated with a job in flight that publishes afterwards', async (clock) => {
  const id = await startHeld(stack, 'terminated');
  await temporalFor(stack, 'workflow terminate', id);
  clock.over();
  const run = await untilShown(stack, clock, id, ({ state }) => state === 'FAILED');
  latches.open('terminated');
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(run.reason).toBe('terminated');
  expect(run.jobRuns.map(({ state, reason }) => `${state}/${reason}`)).toEqual([
    'SUCCESS/null',
    'FAILED/terminated',
    'FAILED/terminated',
  ]);
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/terminated']);
});

fault(
  '21',
  'reset to a middle workflow task, beside a job in flight that publishes afterwards',
  async (clock) => {
    const id = await startHeld(stack, 'reset-middle', { config: { firstOnly: true } });
    const runId = await reset(stack, id, await taskThatScheduled(stack, id, 'held'));
    clock.over();
    await untilShown(stack, clock, id, ({ epoch }) => epoch === 2);
    await untilBegun(stack, id, 'held', 2);
    await expectSound(stack, clock);
    latches.open('reset-middle');
    await untilIdle(stack);
    await expectSound(stack, clock);
    const run = await stack.client.graphRuns.get(id);
    expect(run.tasks.map((task) => [task.epoch, task.runId === runId])).toEqual([
      [1, false],
      [2, true],
    ]);
    // What had ended before that point was kept.
    expect(run.jobRuns.map(({ job, epoch, attempts }) => [job, epoch, attempts])).toEqual([
      ['before', 1, 1],
      ['held', 2, 2],
      ['after', 2, 1],
    ]);
    expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/lost', 'SUCCESS']);
  },
);
