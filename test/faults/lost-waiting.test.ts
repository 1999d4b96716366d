// A job whose worker was lost, and which Temporal tries again much later.
import { expect } from 'vitest';
import { heartbeat } from '../../graph/rules.ts';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { attemptsOf } from './support/observe.ts';
import { startHeld } from './support/start-held.ts';
import { temporalFor } from './support/temporal-cli.ts';
import { hasEnded, letWatch, shownWithinMs, untilIdle, untilShown } from './support/wait-for.ts';

const stack = await useFaultStack();
const { latches } = stack;

const rules = { retry: { initialInterval: '1h' } };
const lostWithinMs = heartbeat.timeoutMs + shownWithinMs;

async function untilWaits(graphRunId: string): Promise<void> {
  await until(
    async () => {
      const { jobRuns } = await stack.client.graphRuns.get(graphRunId);
      const held = jobRuns.find(({ job }) => job === 'held');
      return held?.state === 'PENDING' && held.reason === 'retry' ? true : undefined;
    },
    'the job waits for its next attempt',
    lostWithinMs,
  );
}

fault('1', 'a worker killed in a job that is tried again much later, which shows so', async (clock) => {
  await letWatch(stack, 'api');
  const id = await startHeld(stack, 'waits', { config: { firstOnly: true }, rules });
  await Promise.all(stack.workers.map((worker) => worker.kill()));
  clock.over();
  await untilWaits(id);
  clock.right();
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/lost']);
  await Promise.all(stack.workers.map((worker) => worker.start()));
  // The next attempt begins at once, by hand.
  await temporalFor(stack, 'activity reset', id, '--activity-id', 'held');
  const run = await untilShown(stack, clock, id, hasEnded);
  await expectSound(stack, clock);
  expect(run.state).toBe('SUCCESS');
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/lost', 'SUCCESS']);
});

fault(
  '1',
  'a worker frozen in a job that is tried again much later, and which it then ends',
  async (clock) => {
    await letWatch(stack, 'api');
    const id = await startHeld(stack, 'wakes', { rules });
    for (const worker of stack.workers) worker.freeze();
    await untilWaits(id);
    clock.over();
    latches.open('wakes');
    for (const worker of stack.workers) worker.thaw();
    await until(
      async () => ((await attemptsOf(stack, id, 'held')).at(-1) === 'SUCCESS' ? true : undefined),
      'the attempt that was thought lost is recorded',
    );
    // Temporal does not hear it any more: its next attempt hands back what is recorded.
    await temporalFor(stack, 'activity reset', id, '--activity-id', 'held');
    const run = await untilShown(stack, clock, id, hasEnded);
    await untilIdle(stack);
    await expectSound(stack, clock);
    expect(run.state).toBe('SUCCESS');
    expect(await attemptsOf(stack, id, 'held')).toEqual(['SUCCESS']);
  },
);
