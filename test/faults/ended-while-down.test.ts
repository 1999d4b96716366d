// Runs that people end with Temporal's own command line while a part of Graphrun is down, or stands still.
import { expect } from 'vitest';
import { isFinal } from '../../graph/states.ts';
import { graphRunWorkflowId } from '../../workflows/contract.ts';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { attemptsOf, rowOf, untilPublished, whileLocked } from './support/observe.ts';
import { startHeld } from './support/start-held.ts';
import { temporalFor } from './support/temporal-cli.ts';
import { letWatch, shownWithinMs, triesOf, untilIdle, untilShown } from './support/wait-for.ts';

const stack = await useFaultStack();
const { latches } = stack;

/** Until another process takes the watch of one that was killed. */
const leaseMs = 8_000;

async function killWorkers(): Promise<void> {
  await Promise.all(stack.workers.map((worker) => worker.kill()));
}

async function startWorkers(): Promise<void> {
  await Promise.all(stack.workers.map((worker) => worker.start()));
}

fault('3, 19', 'terminated while all workers are down', async (clock) => {
  await letWatch(stack, 'api');
  const id = await startHeld(stack, 'workers-down');
  await killWorkers();
  await temporalFor(stack, 'workflow terminate', id);
  clock.over();
  const run = await untilShown(stack, clock, id, ({ state }) => isFinal(state));
  latches.open('workers-down');
  await startWorkers();
  await expectSound(stack, clock);
  expect(run.reason).toBe('terminated');
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/terminated']);
  expect(triesOf(stack, id, 'held')).toHaveLength(1);
});

fault(
  '3, 19',
  'terminated while all workers stand still; they go on with their jobs afterwards',
  async (clock) => {
    await letWatch(stack, 'api');
    const id = await startHeld(stack, 'workers-frozen');
    for (const worker of stack.workers) worker.freeze();
    await temporalFor(stack, 'workflow terminate', id);
    clock.over();
    const run = await untilShown(stack, clock, id, ({ state }) => isFinal(state));
    latches.open('workers-frozen');
    for (const worker of stack.workers) worker.thaw();
    await untilIdle(stack);
    await expectSound(stack, clock);
    expect(run.reason).toBe('terminated');
    expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/terminated']);
  },
);

fault('3, 19', 'terminated when the process that watched was just killed', async (clock) => {
  await letWatch(stack, 'worker');
  const id = await startHeld(stack, 'watch-killed');
  await killWorkers();
  await temporalFor(stack, 'workflow terminate', id);
  clock.over();
  const run = await untilShown(stack, clock, id, ({ state }) => isFinal(state), leaseMs + shownWithinMs);
  await startWorkers();
  await expectSound(stack, clock);
  expect(run.reason).toBe('terminated');
});

fault('3, 20', 'cancelled while all workers are down; they come back', async (clock) => {
  const id = await startHeld(stack, 'cancel-down');
  await killWorkers();
  await temporalFor(stack, 'workflow cancel', id);
  latches.open('cancel-down');
  await startWorkers();
  clock.over();
  await expectSound(stack, clock);
  const run = await stack.client.graphRuns.get(id);
  expect(run).toMatchObject({ state: 'FAILED', reason: 'cancelled' });
  for (const job of ['held', 'after']) expect(triesOf(stack, id, job)).toHaveLength(job === 'held' ? 1 : 0);
});

fault('8, 19', 'terminated while Postgres is down', async (clock) => {
  const id = await startHeld(stack, 'postgres-down');
  await stack.postgres.kill();
  await temporalFor(stack, 'workflow terminate', id);
  await until(async () => {
    const { status } = await stack.temporalClient.workflow.getHandle(graphRunWorkflowId(id, 1)).describe();
    return status.name === 'TERMINATED' ? true : undefined;
  }, 'it is terminated');
  await stack.postgres.start();
  clock.over();
  const run = await untilShown(stack, clock, id, ({ state }) => isFinal(state));
  latches.open('postgres-down');
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(run.reason).toBe('terminated');
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/terminated']);
});

fault(
  '8, 19',
  'terminated while Postgres is down and a job waits to tell that it has succeeded',
  async (clock) => {
    const id = await startHeld(stack, 'untold');
    await whileLocked(stack, rowOf(id, 'held'), async () => {
      latches.open('untold');
      await untilPublished(stack, id, 'held');
      await stack.postgres.kill();
    });
    await temporalFor(stack, 'workflow terminate', id);
    await stack.postgres.start();
    clock.over();
    const run = await untilShown(stack, clock, id, ({ state }) => isFinal(state));
    await untilIdle(stack);
    await expectSound(stack, clock);
    expect(run.reason).toBe('terminated');
    // Rows and data agree: it had published, whatever ended it.
    expect(await attemptsOf(stack, id, 'held')).toEqual(['SUCCESS']);
  },
);

fault('8, 20', 'cancelled while Postgres is down', async (clock) => {
  const id = await startHeld(stack, 'cancel-postgres-down');
  await stack.postgres.kill();
  await temporalFor(stack, 'workflow cancel', id);
  await stack.postgres.start();
  latches.open('cancel-postgres-down');
  clock.over();
  await expectSound(stack, clock);
  expect(await stack.client.graphRuns.get(id)).toMatchObject({ state: 'FAILED', reason: 'cancelled' });
  expect(triesOf(stack, id, 'after')).toEqual([]);
});
