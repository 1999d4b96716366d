// Jobs that may be tried once, whose worker is lost: what has not begun was no try.
import { expect } from 'vitest';
import { isFinal } from '../../graph/states.ts';
import { graphRunWorkflowId, jobRunWorkflowId } from '../../workflows/contract.ts';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { attemptsOf, loseBlocked, rowOf, untilBlocked, whileLocked, workerOf } from './support/observe.ts';

const stack = await useFaultStack({ workers: 2 });
const { latches } = stack;

const lostWithinMs = 19_000;
const retry = { maximumAttempts: 1 };

/** Hands out a job whose start the lock lets nobody write, and kills the worker that has got it. */
async function killBeforeStart(
  lock: Parameters<typeof whileLocked>[1],
  handOut: () => Promise<string>,
): Promise<void> {
  await whileLocked(stack, lock, async () => {
    const worker = await workerOf(stack, await handOut(), 'held');
    await untilBlocked(stack);
    await worker.kill();
    await loseBlocked(stack);
  });
}

for (const kind of ['count', 'step']) {
  fault('1, 2', `a worker killed before the only attempt of a job (${kind}) began in it`, async (clock) => {
    const project = `only-${kind}`;
    await stack.push({
      project,
      jobs: {
        gate: { kind: 'step', config: { latch: project } },
        held: { kind, dependsOn: ['gate'], retry },
        after: { kind: 'count', dependsOn: ['held'] },
      },
    });
    const id = await stack.start(project);
    await latches.reached(project);
    await killBeforeStart(rowOf(id, 'held'), async () => {
      latches.open(project);
      return graphRunWorkflowId(id, 1);
    });
    clock.over();
    await expectSound(stack, clock, lostWithinMs);
    expect((await stack.client.graphRuns.get(id)).state).toBe('SUCCESS');
    expect(await attemptsOf(stack, id, 'held')).toEqual(['SUCCESS']);
  });
}

fault('1, 2', 'a worker killed before the only attempt of a lone job run began in it', async (clock) => {
  await stack.push({ project: 'only-lone', jobs: { held: { kind: 'count', retry } } });
  let id = '';
  const attempts = { sql: 'LOCK TABLE attempt IN SHARE MODE', values: [] };
  await killBeforeStart(attempts, async () => {
    ({ id } = await stack.client.jobs.run('only-lone', 'held'));
    return jobRunWorkflowId(id, 1);
  });
  clock.over();
  const run = await until(
    async () => {
      const found = await stack.client.jobRuns.get(id);
      return isFinal(found.state) ? found : undefined;
    },
    'the lone job run ends',
    lostWithinMs,
  );
  clock.right();
  expect(run).toMatchObject({ state: 'SUCCESS', attempts: 1, output: { rows: 1 } });
  expect(await stack.client.jobRuns.verify(id)).toMatchObject({ verdict: 'equal' });
  await stack.start('only-lone');
  await expectSound(stack, clock);
});

fault('1', 'a worker killed in the only attempt of a job', async (clock) => {
  await stack.push({
    project: 'only-begun',
    jobs: {
      held: { kind: 'step', config: { latch: 'only-begun' }, retry },
      after: { kind: 'count', dependsOn: ['held'] },
    },
  });
  const id = await stack.start('only-begun');
  await stack.workerWith(await latches.reached('only-begun')).kill();
  clock.over();
  await expectSound(stack, clock, lostWithinMs);
  const run = await stack.client.graphRuns.get(id);
  expect(run.jobRuns.map(({ state, reason }) => `${state}/${reason}`)).toEqual([
    'FAILED/lost',
    'FAILED/upstream_failed',
  ]);
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/lost']);
});
