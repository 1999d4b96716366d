// Runs that are paused, and jobs that are cancelled by themselves, while workers are killed.
import { expect } from 'vitest';
import { jobRunIdOf } from '../../store/index.ts';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { untilJobIs } from './support/observe.ts';
import { always, startHeld } from './support/start-held.ts';
import { hasEnded, triesOf, untilBegun, untilShown } from './support/wait-for.ts';

const stack = await useFaultStack();
const { latches, client } = stack;

async function killWorkers(): Promise<void> {
  await Promise.all(stack.workers.map((worker) => worker.kill()));
}

async function startWorkers(): Promise<void> {
  await Promise.all(stack.workers.map((worker) => worker.start()));
}

fault('1', 'a paused run whose workers are killed stays so, and goes on when it may', async (clock) => {
  const id = await startHeld(stack, 'paused');
  await client.graphRuns.pause(id, { note: 'a test' });
  await killWorkers();
  await startWorkers();
  await untilBegun(stack, id, 'held', 2);
  await killWorkers();
  await client.graphRuns.unpause(id);
  await client.graphRuns.pause(id, { note: 'once more' });
  await startWorkers();
  latches.open('paused');
  await untilJobIs(stack, id, 'held', 'SUCCESS');
  const run = await until(async () => {
    const found = await client.graphRuns.get(id);
    return found.jobRuns.some(({ reason }) => reason === 'paused') ? found : undefined;
  }, 'what is ready is paused');
  expect(run).toMatchObject({ state: 'RUNNING', reason: 'paused', pause: { note: 'once more' } });
  expect(await client.graphRuns.verify(id)).toMatchObject({ verdict: 'equal', differences: [] });
  expect(triesOf(stack, id, 'after')).toEqual([]);
  await client.graphRuns.unpause(id);
  clock.over();
  const ended = await untilShown(stack, clock, id, hasEnded);
  await expectSound(stack, clock);
  expect([ended.state, triesOf(stack, id, 'after').length]).toEqual(['SUCCESS', 1]);
});

fault('1, 20', 'one job that is cancelled while its worker is dead', async (clock) => {
  const id = await startHeld(stack, 'one-job', { config: { heedless: false }, more: always });
  await killWorkers();
  await client.jobRuns.cancel(jobRunIdOf(id, 'held'), { note: 'a test' });
  await startWorkers();
  clock.over();
  const run = await untilShown(stack, clock, id, hasEnded, 30_000);
  await expectSound(stack, clock);
  expect([run.state, run.reason]).toEqual(['FAILED', 'job_failed']);
  expect(run.jobRuns.map(({ job, state, reason }) => [job, state, reason])).toEqual([
    ['before', 'SUCCESS', null],
    ['held', 'FAILED', 'cancelled'],
    ['after', 'FAILED', 'upstream_failed'],
    ['always', 'SUCCESS', null],
  ]);
});
