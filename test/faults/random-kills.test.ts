// Workers killed at random moments, one after the other, all through a run.
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { layeredJobs } from './support/layered-jobs.ts';
import { createRandom } from './support/random.ts';
import { readRunFacts } from './support/run-facts.ts';

const stack = await useFaultStack({ workers: 3 });

const kills = 20;
const layers = 10;
const width = 20;
const betweenMs = { least: 200, most: 2_500 };

fault(
  '1',
  `${kills} kills of random workers at random moments of a run of ${layers * width} jobs`,
  async (clock) => {
    const random = createRandom();
    console.info(`FAULT_SEED=${random.seed}`);
    // A killed worker costs each job that runs in it an attempt.
    const retry = { maximumAttempts: kills + 1, initialInterval: '10ms' };
    const jobs = layeredJobs({ layers, width, retry, msOf: () => 20 + random.below(180) });
    await stack.push({ project: 'random-kills', jobs });
    const id = await stack.start('random-kills');
    const starting: Promise<void>[] = [];
    for (let kill = 1; kill <= kills; kill += 1) {
      await pause(betweenMs.least + random.below(betweenMs.most - betweenMs.least));
      const running = stack.workers.filter(({ isRunning }) => isRunning);
      const worker = running[random.below(running.length)];
      await worker?.kill();
      starting.push(...(worker ? [worker.start()] : []));
    }
    await Promise.all(starting);
    clock.over();
    await expectSound(stack, clock, 90_000);
    const facts = await readRunFacts(stack);
    const lost = facts.reduce((sum, { attempts }) => sum + attempts - 1, 0);
    console.info(`${kills} kills, ${lost} attempts lost`);
    expect((await stack.client.graphRuns.get(id)).state).toBe('SUCCESS');
    expect(facts.filter(({ state }) => state !== 'SUCCESS')).toEqual([]);
  },
);
