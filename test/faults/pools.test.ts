// A pool that jobs of two graphs share, while workers are killed and runs are ended beside it.
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { type FaultStack, useFaultStack } from './support/fault-stack.ts';
import { createRandom } from './support/random.ts';
import { readRunFacts } from './support/run-facts.ts';
import { reset, temporalFor } from './support/temporal-cli.ts';

const stack = await useFaultStack({ workers: 3 });

const slots = 3;
const kills = 6;

/** As the rows tell: what holds a slot, and attempts that work. */
async function readUse({ sql }: FaultStack) {
  const [use] = await sql<{ held: number; working: number }>(
    `SELECT (SELECT count(*)::int FROM pool_claim WHERE granted_at IS NOT NULL) AS held,
       (SELECT count(*)::int FROM job_run WHERE state = 'RUNNING') AS working`,
  );
  return use ?? { held: 0, working: 0 };
}

/** Looks all through `work`; the most that was seen. */
async function watchUse(work: () => Promise<void>) {
  const most = { held: 0, working: 0 };
  const stop = new AbortController();
  const watching = (async () => {
    while (!stop.signal.aborted) {
      const { held, working } = await readUse(stack);
      most.held = Math.max(most.held, held);
      most.working = Math.max(most.working, working);
      await pause(50);
    }
  })();
  await work().finally(() => stop.abort());
  await watching;
  return most;
}

async function expectNothingHeld(): Promise<void> {
  expect(await stack.sql('SELECT job_run_id, pool FROM pool_claim')).toEqual([]);
  expect(await stack.client.pools.get('shared')).toMatchObject({ held: 0, waiting: 0 });
}

/** 25 jobs that need a slot each; every other one has an effect. */
function pooledJobs(msOf: () => number) {
  const retry = { maximumAttempts: kills + 1, initialInterval: '10ms' };
  const pools = { shared: 1 };
  return Object.fromEntries(
    Array.from({ length: 25 }, (_, at) => [
      `job_${at}`,
      { kind: at % 2 === 0 ? 'count' : 'step', config: { ms: msOf() }, retry, pools },
    ]),
  );
}

fault('1', `a pool of ${slots} with 50 jobs of 2 graphs, and ${kills} kills of workers`, async (clock) => {
  const random = createRandom();
  console.info(`FAULT_SEED=${random.seed}`);
  await stack.client.pools.put('shared', { slots });
  for (const project of ['pool-left', 'pool-right'])
    await stack.push({ project, jobs: pooledJobs(() => 20 + random.below(180)) });
  const most = await watchUse(async () => {
    await stack.start('pool-left');
    await stack.start('pool-right');
    const starting: Promise<void>[] = [];
    for (let kill = 1; kill <= kills; kill += 1) {
      await pause(300 + random.below(900));
      const running = stack.workers.filter(({ isRunning }) => isRunning);
      const worker = running[random.below(running.length)];
      await worker?.kill();
      starting.push(...(worker ? [worker.start()] : []));
    }
    await Promise.all(starting);
    clock.over();
    await expectSound(stack, clock, 90_000);
  });
  expect(most.held).toBe(slots);
  expect(most.working).toBeLessThanOrEqual(slots);
  const facts = await readRunFacts(stack);
  expect(facts.map(({ state }) => state)).toEqual(facts.map(() => 'SUCCESS'));
  await expectNothingHeld();
});

fault(
  '9, 11, 13',
  'holders of a pool that are terminated, cancelled and reset in Temporal',
  async (clock) => {
    await stack.client.pools.put('shared', { slots: 1 });
    const latchOf = (name: string) => `pool-${name}`;
    const start = async (name: string) => {
      const job = { kind: 'step', config: { latch: latchOf(name) }, pools: { shared: 1 } };
      await stack.push({ project: latchOf(name), jobs: { held: job } });
      return stack.start(latchOf(name));
    };
    const untilJob = (id: string, what: string) =>
      until(async () => {
        const [job] = (await stack.client.graphRuns.get(id)).jobRuns;
        return job?.state === what || job?.reason === what ? true : undefined;
      }, `the job of ${id} is ${what}`);
    const terminated = await start('terminated');
    await stack.latches.reached(latchOf('terminated'));
    const waiting: string[] = [];
    for (const name of ['cancelled', 'again', 'last']) {
      const id = await start(name);
      await untilJob(id, 'slot');
      waiting.push(id);
    }
    const [cancelled = '', again = ''] = waiting;
    await temporalFor(stack, 'workflow terminate', terminated, '--reason', 'by hand');
    await stack.latches.reached(latchOf('cancelled'));
    await temporalFor(stack, 'workflow cancel', cancelled);
    await stack.latches.reached(latchOf('again'));
    await reset(stack, again, 'FirstWorkflowTask');
    // Its new execution asks anew, behind the one that waited.
    await stack.latches.reached(latchOf('last'));
    for (const name of ['terminated', 'cancelled', 'again', 'last']) stack.latches.open(latchOf(name));
    clock.over();
    await expectSound(stack, clock);
    await expectNothingHeld();
  },
);
