// Workers killed while a run with a long history goes on from execution to execution.
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { createRandom } from './support/random.ts';

/** A new execution every few jobs: kills fall into the moments between two. */
const stack = await useFaultStack({
  workers: 2,
  temporalSettings: ['limit.historyCount.suggestContinueAsNew=15'],
});

const jobs = 40;
const kills = 6;

fault('1, 29', `${kills} kills of workers in a chain that goes on in new executions`, async (clock) => {
  const random = createRandom();
  console.info(`FAULT_SEED=${random.seed}`);
  const retry = { maximumAttempts: kills + 1, initialInterval: '10ms' };
  const keyOf = (at: number) => `j${String(at).padStart(2, '0')}`;
  const chain = Array.from({ length: jobs }, (_, at) => [
    keyOf(at),
    { kind: at % 4 === 0 ? 'count' : 'step', retry, ...(at > 0 && { dependsOn: [keyOf(at - 1)] }) },
  ]);
  await stack.push({ project: 'long', jobs: Object.fromEntries(chain) });
  const id = await stack.start('long');
  for (let kill = 1; kill <= kills; kill += 1) {
    await pause(300 + random.below(700));
    const worker = stack.workers[random.below(stack.workers.length)];
    await worker?.kill();
    await worker?.start();
  }
  clock.over();
  await expectSound(stack, clock, 90_000);
  const run = await stack.client.graphRuns.get(id);
  expect(run).toMatchObject({ state: 'SUCCESS', epoch: 1 });
  expect(run.tasks.length).toBeGreaterThan(5);
});
