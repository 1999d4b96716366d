// Workers that are asked to end, as a deploy does: what they have begun ends in them, and they begin nothing more.
import { expect } from 'vitest';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import type { FaultProcess } from './support/fault-process.ts';
import { useFaultStack } from './support/fault-stack.ts';
import type { JournalEntry } from './support/latches.ts';
import { layeredJobs } from './support/layered-jobs.ts';
import { attemptsOf } from './support/observe.ts';
import { readRunFacts } from './support/run-facts.ts';
import { untilBegun } from './support/wait-for.ts';

const stack = await useFaultStack({ workers: 2 });
const { latches } = stack;

fault('2', 'a worker asked to end while a job of 5 s runs in it', async (clock) => {
  await stack.push({
    project: 'drained',
    jobs: {
      before: { kind: 'count' },
      held: { kind: 'count', config: { ms: 5_000 }, dependsOn: ['before'], retry: { maximumAttempts: 1 } },
      after: { kind: 'count', dependsOn: ['held'] },
    },
  });
  const many = Array.from({ length: 20 }, (_, job) => [`job_${job}`, { kind: 'step', config: { ms: 20 } }]);
  await stack.push({ project: 'beside', jobs: Object.fromEntries(many) });
  const id = await stack.start('drained');
  await untilBegun(stack, id, 'held');
  const { pid = 0 } =
    latches.journal().find(({ job, graphRunId }) => job === 'held' && graphRunId === id) ?? {};
  const worker = stack.workerWith(pid);
  const askedAt = Date.now();
  const draining = worker.drain();
  const others = [];
  for (let run = 0; run < 5; run += 1) others.push(await stack.start('beside'));
  const exit = await draining;
  clock.over();
  await expectSound(stack, clock);
  expect(exit).toMatchObject({ code: 0, signal: null });
  expect(exit.ms).toBeLessThan(7_000);
  expect(await attemptsOf(stack, id, 'held')).toEqual(['SUCCESS']);
  const ofWorker = latches.journal().filter((entry) => entry.pid === pid && entry.at >= askedAt);
  expect(ofWorker.map(({ event, job }) => `${event} ${job}`)).toEqual(['done held']);
  for (const other of others) expect((await stack.client.graphRuns.get(other)).state).toBe('SUCCESS');
});

fault(
  '2, 25',
  'one worker after the other drained and started again in the middle of a run',
  async (clock) => {
    // What is handed to a worker in the moment that it is told to stop is lost with its poll, where the server does not let
    // polls end by themselves: that is none of its attempts.
    const retry = { maximumAttempts: 1 };
    const jobs = layeredJobs({ layers: 7, width: 10, retry, msOf: (job) => 1_500 + 50 * (job % 20) });
    await stack.push({ project: 'rolling', jobs });
    const id = await stack.start('rolling');
    const untilOneWorks = (workers: readonly FaultProcess[]) => {
      const pids = workers.map(({ pid }) => pid);
      const isOfOne = ({ graphRunId, event, pid }: JournalEntry) =>
        graphRunId === id && event === 'begun' && pids.includes(pid);
      const names = workers.map(({ name }) => name).join(' or ');
      return until(() => latches.journal().some(isOfOne) || undefined, `${names} has begun a job`);
    };
    for (const worker of stack.workers) {
      await untilOneWorks([worker]);
      expect(await worker.drain()).toMatchObject({ code: 0, signal: null });
      await worker.start();
    }
    clock.over();
    // So the run was under way all the time: jobs go to the worker that has the workflow in memory.
    await untilOneWorks(stack.workers);
    await expectSound(stack, clock);
    const facts = await readRunFacts(stack);
    const disturbed = facts.filter(({ state, attempts }) => state !== 'SUCCESS' || attempts !== 1);
    expect(disturbed).toEqual([]);
  },
);
