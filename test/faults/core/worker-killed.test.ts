import { expect } from 'vitest';
import { expectSound } from '../support/expect-sound.ts';
import { fault } from '../support/fault.ts';
import { useFaultStack } from '../support/fault-stack.ts';
import { untilPublished, withRowsLocked } from '../support/lock-rows.ts';

const stack = await useFaultStack({ workers: 2 });
const { latches } = stack;

/** Heartbeat time-out, sticky time-out, and 5 s. */
const lostWithinMs = 19_000;

/** The attempts of a job, as `STATE/reason`. */
async function attemptsOf(graphRunId: string, key: string): Promise<string[]> {
  const { jobRuns } = await stack.client.graphRuns.get(graphRunId);
  const attempts = await stack.client.jobRuns.attempts(jobRuns.find(({ job }) => job === key)?.id ?? '');
  return attempts.map(({ state, reason }) => (reason === null ? state : `${state}/${reason}`));
}

fault('1', 'a worker killed in a job: another worker does the job again', async (clock) => {
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
  expect(await attemptsOf(id, 'held')).toEqual(['FAILED/lost', 'SUCCESS']);
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
  await withRowsLocked(stack, id, async () => {
    latches.open('unreported');
    await untilPublished(stack, id, 'held');
    await worker.kill();
  });
  clock.over();
  await expectSound(stack, clock, lostWithinMs);
  expect(await attemptsOf(id, 'held')).toEqual(['FAILED/lost', 'SUCCESS']);
});
