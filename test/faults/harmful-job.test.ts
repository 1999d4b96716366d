// Jobs that do harm: to themselves, or to the worker that they share with others.
import { expect } from 'vitest';
import { jobRunIdOf } from '../../store/index.ts';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { attemptsOf } from './support/observe.ts';
import { triesOf } from './support/wait-for.ts';

const stack = await useFaultStack({ workers: 2 });

fault('36', 'a job that never succeeds, beside branches that do', async (clock) => {
  await stack.push({
    project: 'poisoned',
    jobs: {
      poison: {
        kind: 'poison',
        retry: { maximumAttempts: 3, initialInterval: '400ms', backoffCoefficient: 2 },
      },
      below: { kind: 'count', dependsOn: ['poison'] },
      further: { kind: 'count', dependsOn: ['below'] },
      anyway: { kind: 'count', dependsOn: ['poison'], runIf: 'all_done' },
      instead: { kind: 'count', dependsOn: ['poison'], runIf: 'any_failed' },
      other: { kind: 'count', config: { ms: 100 } },
      beside: { kind: 'count', dependsOn: ['other'] },
    },
  });
  const id = await stack.start('poisoned');
  clock.over();
  await expectSound(stack, clock);
  const run = await stack.client.graphRuns.get(id);
  expect(run).toMatchObject({ state: 'FAILED', reason: 'job_failed' });
  const told = run.jobRuns.map(({ job, state, reason }) => [
    job,
    reason === null ? state : `${state}/${reason}`,
  ]);
  expect(Object.fromEntries(told)).toEqual({
    poison: 'FAILED/error',
    below: 'FAILED/upstream_failed',
    further: 'FAILED/upstream_failed',
    anyway: 'SUCCESS',
    instead: 'SUCCESS',
    other: 'SUCCESS',
    beside: 'SUCCESS',
  });
  expect(await attemptsOf(stack, id, 'poison')).toEqual(Array(3).fill('FAILED/error'));
  const begun = triesOf(stack, id, 'poison').map(({ at }) => at);
  const gaps = begun.slice(1).map((at, before) => at - (begun[before] ?? 0));
  expect(gaps).toHaveLength(2);
  expect(gaps[0]).toBeGreaterThanOrEqual(400);
  expect(gaps[1]).toBeGreaterThanOrEqual(800);
});

const deeds = {
  block: { deed: 'blocks the event loop of its worker', error: 'WorkerBlocked' },
  exit: { deed: 'ends its worker by process.exit', error: 'WorkerExited' },
  // Nothing can be written any more then.
  leak: { deed: 'fills the memory of its worker', error: null },
} as const;

for (const [deed, { deed: does, error }] of Object.entries(deeds)) {
  fault('37', `a job that ${does}, once, beside others`, async (clock) => {
    const project = `harm-by-${deed}`;
    // So that it takes no minute to fill it.
    const env = deed === 'leak' ? { NODE_OPTIONS: '--max-old-space-size=160' } : {};
    if (deed === 'leak')
      await Promise.all(stack.workers.map((worker) => worker.drain().then(() => worker.start(env))));
    const beside = Array.from({ length: 8 }, (_, job) => [
      `job_${job}`,
      { kind: 'count', config: { ms: 2_000 } },
    ]);
    await stack.push({
      project,
      jobs: { harm: { kind: 'harm', config: { deed } }, ...Object.fromEntries(beside) },
    });
    const id = await stack.start(project);
    const down = await until(() => stack.workers.find(({ isRunning }) => !isRunning), 'a worker is down');
    clock.over();
    await down.start();
    await expectSound(stack, clock);
    expect((await stack.client.graphRuns.get(id)).state).toBe('SUCCESS');
    const attempts = await stack.client.jobRuns.attempts(jobRunIdOf(id, 'harm'));
    expect(attempts.map(({ state, reason }) => [state, reason])).toEqual([
      ['FAILED', 'lost'],
      ['SUCCESS', null],
    ]);
    if (error) expect(attempts[0]?.error?.type).toBe(error);
    const besides = await Promise.all(beside.map(([key]) => attemptsOf(stack, id, String(key))));
    for (const each of besides) expect([['SUCCESS'], ['FAILED/lost', 'SUCCESS']]).toContainEqual(each);
  });
}
