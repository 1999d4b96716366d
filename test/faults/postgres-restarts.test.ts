// Postgres gone and back at once, again and again, with connections in use.
import { expect } from 'vitest';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { attemptsOf } from './support/observe.ts';
import { endBackends, statusesWhile } from './support/outage.ts';
import { untilBegun } from './support/wait-for.ts';

const stack = await useFaultStack();
const { latches } = stack;

/** More at once than there are connections in the pools. */
function wide(latch: string) {
  const steps = Array.from({ length: 60 }, (_, job) => [
    `step_${job}`,
    { kind: 'step', config: { ms: 20 * (job % 20) }, dependsOn: ['gate'] },
  ]);
  const counts = Array.from({ length: 6 }, (_, job) => [
    `count_${job}`,
    { kind: 'count', dependsOn: [`step_${10 * job}`] },
  ]);
  return { gate: { kind: 'step', config: { latch } }, ...Object.fromEntries([...steps, ...counts]) };
}

async function startWide(project: string): Promise<string> {
  await stack.push({ project, jobs: wide(project) });
  const id = await stack.start(project);
  await untilBegun(stack, id, 'gate');
  return id;
}

/** No attempt was lost or failed, and no process has ended. */
async function expectUnharmed(graphRunId: string): Promise<void> {
  const { state, jobRuns } = await stack.client.graphRuns.get(graphRunId);
  expect(state).toBe('SUCCESS');
  const tries = await Promise.all(
    jobRuns.map(async ({ job }) => [job, ...(await attemptsOf(stack, graphRunId, job))]),
  );
  expect(tries.filter(([, ...attempts]) => attempts.join() !== 'SUCCESS')).toEqual([]);
}

fault('8', 'Postgres killed and started again at once, three times, in a wide run', async (clock) => {
  const id = await startWide('restarts');
  const pids = [stack.api, ...stack.workers].map(({ pid }) => pid);
  const statuses = await statusesWhile(stack, `/v1/graph-runs/${id}`, async () => {
    latches.open('restarts');
    for (let times = 0; times < 3; times += 1) {
      await stack.postgres.kill();
      await stack.postgres.start();
    }
  });
  clock.over();
  await expectSound(stack, clock);
  await expectUnharmed(id);
  expect([...statuses].filter((status) => ![200, 503].includes(status))).toEqual([]);
  expect([stack.api, ...stack.workers].map(({ pid }) => pid)).toEqual(pids);
});

fault('10', 'all backends ended again and again for 5 s, in a wide run', async (clock) => {
  const id = await startWide('backends');
  const pids = [stack.api, ...stack.workers].map(({ pid }) => pid);
  let ended = 0;
  const statuses = await statusesWhile(stack, `/v1/graph-runs/${id}`, async () => {
    latches.open('backends');
    ended = await endBackends(stack, 5_000);
  });
  clock.over();
  await expectSound(stack, clock);
  await expectUnharmed(id);
  expect(ended).toBeGreaterThan(10);
  expect([...statuses].filter((status) => ![200, 503].includes(status))).toEqual([]);
  expect([stack.api, ...stack.workers].map(({ pid }) => pid)).toEqual(pids);
});
