// Runs that people reset in Temporal. The old execution's attempt goes on beside the new one.
import { expect } from 'vitest';
import { jobRunWorkflowId } from '../../workflows/contract.ts';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { readEffects } from './support/find-faults.ts';
import { attemptsOf, rowOf, untilPublished, whileLocked } from './support/observe.ts';
import { startHeld } from './support/start-held.ts';
import { reset, taskThatScheduled, temporal, temporalFor } from './support/temporal-cli.ts';
import { letWatch, triesOf, untilBegun, untilIdle, untilShown } from './support/wait-for.ts';

const stack = await useFaultStack();
const { latches } = stack;

async function untilEnds(graphRunId: string, state: string): Promise<void> {
  await until(
    async () => ((await stack.client.graphRuns.get(graphRunId)).state === state ? true : undefined),
    `run ${graphRunId} is ${state}`,
  );
}

/** Of each job the epoch that counts, and how many attempts there were in all. */
async function epochsOf(graphRunId: string): Promise<[string, number, number][]> {
  const { jobRuns } = await stack.client.graphRuns.get(graphRunId);
  return jobRuns.map(({ job, epoch, attempts }) => [job, epoch, attempts]);
}

/** The epochs whose effect is in a job's table, in the order in which they were published. */
async function effectsOf(project: string, job: string): Promise<number[]> {
  const rows = await readEffects(stack, project, job);
  return rows.map(({ effect }) => Number(effect.split('/').at(-1)));
}

fault('21', 'reset to the first workflow task, the job in flight publishing afterwards', async (clock) => {
  const id = await startHeld(stack, 'first', { config: { firstOnly: true } });
  await reset(stack, id, 'FirstWorkflowTask');
  clock.over();
  await untilShown(stack, clock, id, ({ epoch }) => epoch === 2);
  await expectSound(stack, clock);
  latches.open('first');
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(await epochsOf(id)).toEqual([
    ['before', 2, 2],
    ['held', 2, 2],
    ['after', 2, 1],
  ]);
  expect(await effectsOf('first', 'before')).toEqual([1, 2]);
  expect(await effectsOf('first', 'held')).toEqual([2]);
});

fault('21', 'reset to a middle workflow task, both attempts publishing at once', async (clock) => {
  const id = await startHeld(stack, 'at-once');
  await reset(stack, id, await taskThatScheduled(stack, id, 'held'));
  clock.over();
  await untilBegun(stack, id, 'held', 2);
  latches.open('at-once');
  await untilShown(stack, clock, id, ({ epoch }) => epoch === 2);
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/lost', 'SUCCESS']);
  expect(await effectsOf('at-once', 'held')).toEqual([2]);
});

fault('21', 'reset twice in a row', async (clock) => {
  const ids = await Promise.all(
    ['twice-a', 'twice-b', 'twice-c', 'twice-d'].map((project) =>
      startHeld(stack, project, { config: { firstOnly: true } }),
    ),
  );
  const last = await Promise.all(
    ids.map(async (id) => {
      await reset(stack, id, 'FirstWorkflowTask');
      return reset(stack, id, 'FirstWorkflowTask');
    }),
  );
  clock.over();
  for (const [index, id] of ids.entries()) {
    await untilShown(stack, clock, id, ({ tasks }) => tasks.at(-1)?.runId === last[index]);
    latches.open(`twice-${'abcd'[index]}`);
  }
  await Promise.all(ids.map((id) => untilEnds(id, 'SUCCESS')));
  await untilIdle(stack);
  await expectSound(stack, clock);
  for (const [index, id] of ids.entries())
    expect((await stack.client.graphRuns.get(id)).tasks.at(-1)?.runId).toBe(last[index]);
});

fault('21', 'reset from its first execution, and from the same one again', async (clock) => {
  const id = await startHeld(stack, 'same-base', { config: { firstOnly: true } });
  const base = (await stack.client.graphRuns.get(id)).tasks[0]?.runId ?? '';
  await reset(stack, id, 'FirstWorkflowTask', base);
  const last = await reset(stack, id, 'FirstWorkflowTask', base);
  clock.over();
  await untilShown(stack, clock, id, ({ tasks }) => tasks.at(-1)?.runId === last);
  latches.open('same-base');
  await untilEnds(id, 'SUCCESS');
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect((await stack.client.graphRuns.get(id)).tasks.at(-1)?.runId).toBe(last);
});

fault('21', 'reset again, once the first reset has been taken over', async (clock) => {
  const id = await startHeld(stack, 'again');
  await reset(stack, id, 'FirstWorkflowTask');
  await untilBegun(stack, id, 'held', 2);
  const last = await reset(stack, id, await taskThatScheduled(stack, id, 'held'));
  clock.over();
  await untilShown(stack, clock, id, ({ tasks }) => tasks.at(-1)?.runId === last);
  await untilBegun(stack, id, 'held', 3);
  latches.open('again');
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(await epochsOf(id)).toEqual([
    ['before', 2, 2],
    ['held', 3, 3],
    ['after', 3, 1],
  ]);
  expect(await effectsOf('again', 'held')).toEqual([3]);
});

fault('21', 'reset of a run that had failed', async (clock) => {
  const once = { retry: { maximumAttempts: 1 } };
  await stack.push({
    project: 'had-failed',
    jobs: {
      before: { kind: 'count' },
      held: { kind: 'count', config: { failures: 1 }, dependsOn: ['before'], ...once },
      after: { kind: 'count', dependsOn: ['held'] },
    },
  });
  const id = await stack.start('had-failed');
  await untilEnds(id, 'FAILED');
  await reset(stack, id, await taskThatScheduled(stack, id, 'held'));
  clock.over();
  await untilShown(stack, clock, id, ({ epoch }) => epoch === 2);
  await untilEnds(id, 'SUCCESS');
  await expectSound(stack, clock);
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/error', 'SUCCESS']);
  expect(await epochsOf(id)).toEqual([
    ['before', 1, 1],
    ['held', 2, 2],
    ['after', 2, 1],
  ]);
});

fault('21', 'reset of a run that had succeeded', async (clock) => {
  const id = await startHeld(stack, 'had-succeeded', { config: { firstOnly: true } });
  latches.open('had-succeeded');
  await untilEnds(id, 'SUCCESS');
  await reset(stack, id, await taskThatScheduled(stack, id, 'held'));
  clock.over();
  await untilShown(stack, clock, id, ({ epoch }) => epoch === 2);
  await untilEnds(id, 'SUCCESS');
  await expectSound(stack, clock);
  expect(await effectsOf('had-succeeded', 'held')).toEqual([1, 2]);
  expect(await effectsOf('had-succeeded', 'after')).toEqual([1, 2]);
  expect(await effectsOf('had-succeeded', 'before')).toEqual([1]);
});

fault(
  '21',
  'reset of a run that had succeeded to its last workflow task keeps all of its jobs',
  async (clock) => {
    const id = await startHeld(stack, 'last-task', { config: { firstOnly: true } });
    latches.open('last-task');
    await untilEnds(id, 'SUCCESS');
    await reset(stack, id, 'LastWorkflowTask');
    clock.over();
    await untilShown(stack, clock, id, ({ epoch }) => epoch === 2);
    await untilEnds(id, 'SUCCESS');
    await expectSound(stack, clock);
    for (const job of ['before', 'held', 'after']) expect(triesOf(stack, id, job)).toHaveLength(1);
  },
);

fault('3, 21', 'reset while all workers are down', async (clock) => {
  await letWatch(stack, 'api');
  const id = await startHeld(stack, 'workers-down');
  await Promise.all(stack.workers.map((worker) => worker.kill()));
  await reset(stack, id, await taskThatScheduled(stack, id, 'held'));
  clock.over();
  const run = await untilShown(stack, clock, id, ({ epoch }) => epoch === 2);
  expect(run.jobRuns.map(({ job, state }) => [job, state])).toEqual([
    ['before', 'SUCCESS'],
    ['held', 'PENDING'],
    ['after', 'PENDING'],
  ]);
  latches.open('workers-down');
  await Promise.all(stack.workers.map((worker) => worker.start()));
  await expectSound(stack, clock);
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/lost', 'SUCCESS']);
});

fault('8, 21', 'reset while Postgres is down', async (clock) => {
  const id = await startHeld(stack, 'postgres-down', { config: { firstOnly: true } });
  await stack.postgres.kill();
  await reset(stack, id, await taskThatScheduled(stack, id, 'held'));
  await stack.postgres.start();
  clock.over();
  await untilShown(stack, clock, id, ({ epoch }) => epoch === 2);
  latches.open('postgres-down');
  await expectSound(stack, clock);
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(await effectsOf('postgres-down', 'held')).toEqual([2]);
});

fault('19, 21', 'reset, and the new execution terminated', async (clock) => {
  const id = await startHeld(stack, 'ended');
  await reset(stack, id, 'FirstWorkflowTask');
  await temporalFor(stack, 'workflow terminate', id);
  clock.over();
  await untilShown(stack, clock, id, ({ state, epoch }) => state === 'FAILED' && epoch === 2);
  latches.open('ended');
  await untilIdle(stack);
  await expectSound(stack, clock);
  const run = await stack.client.graphRuns.get(id);
  expect(run).toMatchObject({ state: 'FAILED', reason: 'terminated' });
  expect(run.tasks.map(({ closedAt }) => closedAt === null)).toEqual([false, false]);
});

fault('1, 21', 'reset of a run whose job had published and was killed before it told', async (clock) => {
  const id = await startHeld(stack, 'untold', { config: { firstOnly: true } });
  await whileLocked(stack, rowOf(id, 'held'), async () => {
    latches.open('untold');
    await untilPublished(stack, id, 'held');
    await Promise.all(stack.workers.map((worker) => worker.kill()));
  });
  await reset(stack, id, await taskThatScheduled(stack, id, 'held'));
  await Promise.all(stack.workers.map((worker) => worker.start()));
  clock.over();
  await untilShown(stack, clock, id, ({ epoch }) => epoch === 2);
  await expectSound(stack, clock);
  // A reset asks for the job once more, in its own epoch.
  expect(await effectsOf('untold', 'held')).toEqual([1, 2]);
});

fault('21', 'reset of a run whose job has published and tells so only afterwards', async (clock) => {
  const id = await startHeld(stack, 'tells-late', { config: { firstOnly: true } });
  await whileLocked(stack, rowOf(id, 'held'), async () => {
    latches.open('tells-late');
    await untilPublished(stack, id, 'held');
    await reset(stack, id, await taskThatScheduled(stack, id, 'held'));
    clock.over();
  });
  await untilShown(stack, clock, id, ({ epoch }) => epoch === 2);
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(await effectsOf('tells-late', 'held')).toEqual([1, 2]);
});

fault('21', 'a lone job run, reset beside its job, which publishes afterwards', async (clock) => {
  await stack.push({
    project: 'lone',
    jobs: { held: { kind: 'count', config: { latch: 'lone', heedless: true, firstOnly: true } } },
  });
  const { id } = await stack.client.jobs.run('lone', 'held');
  await until(() => latches.journal().find((entry) => entry.jobRunId === id), 'its code has begun');
  const workflow = ['--workflow-id', jobRunWorkflowId(id, 1)];
  await temporal(
    stack,
    'workflow',
    'reset',
    ...workflow,
    '--type',
    'FirstWorkflowTask',
    '--reason',
    'a test',
  );
  clock.over();
  const ended = await until(async () => {
    const found = await stack.client.jobRuns.get(id);
    if (found.epoch === 2) clock.right();
    // Its execution ends a moment after its last attempt.
    const isOver = found.epoch === 2 && found.tasks.every(({ closedAt }) => closedAt !== null);
    return isOver ? found : undefined;
  }, 'it ends in epoch 2');
  latches.open('lone');
  await untilIdle(stack);
  expect(await stack.client.jobRuns.get(id)).toEqual(ended);
  expect(ended).toMatchObject({ state: 'SUCCESS', attempts: 2 });
  expect((await readEffects(stack, 'lone', 'held')).map(({ effect }) => effect)).toEqual([`${id}/held/2`]);
});
