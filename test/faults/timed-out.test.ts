// Runs and jobs whose time runs out while a job is in flight, which finishes just afterwards.
import { expect } from 'vitest';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { readEffects } from './support/find-faults.ts';
import { attemptsOf, rowOf, untilJobIs, untilPublished, whileLocked } from './support/observe.ts';
import { pushHeld, startHeld } from './support/start-held.ts';
import { startOutside } from './support/temporal-cli.ts';
import { hasEnded, triesOf, untilBegun, untilIdle, untilShown } from './support/wait-for.ts';

const stack = await useFaultStack();
const { latches } = stack;

/** Code that was told to stop has this long before it is left behind. */
const cleanUpMs = 10_000;

/** Starts a run with the command line, and waits for its row. Its workflow has the project's name. */
async function startTimed(project: string, ...options: string[]): Promise<string> {
  await startOutside(stack, project, { project }, options);
  const id = await until(
    async () => (await stack.client.graphRuns.list({ project })).items[0]?.id,
    'it has a row',
  );
  stack.runs.push(id);
  return id;
}

async function untilOutOfTime(workflowId: string): Promise<void> {
  await until(async () => {
    const { status } = await stack.temporalClient.workflow.getHandle(workflowId).describe();
    return status.name === 'TIMED_OUT' ? true : undefined;
  }, 'its time is out');
}

const stateOf = async (graphRunId: string, job: string) => {
  const { jobRuns } = await stack.client.graphRuns.get(graphRunId);
  const found = jobRuns.find((jobRun) => jobRun.job === job);
  return `${found?.state}/${found?.reason}`;
};

for (const option of ['--execution-timeout', '--run-timeout']) {
  const project = `ends-by${option.replaceAll('-timeout', '').replaceAll('--', '-')}`;
  fault('19', `${option} runs out with a job in flight that publishes afterwards`, async (clock) => {
    await pushHeld(stack, project);
    const id = await startTimed(project, option, '3s');
    await untilBegun(stack, id, 'held');
    await untilOutOfTime(project);
    clock.over();
    const run = await untilShown(stack, clock, id, hasEnded);
    latches.open(project);
    await untilIdle(stack);
    await expectSound(stack, clock);
    expect(run).toMatchObject({ state: 'FAILED', reason: 'timed_out' });
    expect(await stateOf(id, 'held')).toBe('FAILED/timed_out');
    expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/timed_out']);
    expect(triesOf(stack, id, 'after')).toEqual([]);
  });
}

fault('19', "a run's time runs out when its job had published and had not told so", async (clock) => {
  await pushHeld(stack, 'run-untold');
  const id = await startTimed('run-untold', '--run-timeout', '3s');
  await untilBegun(stack, id, 'held');
  await whileLocked(stack, rowOf(id, 'held'), async () => {
    latches.open('run-untold');
    await untilPublished(stack, id, 'held');
    await untilOutOfTime('run-untold');
    clock.over();
  });
  const run = await untilShown(stack, clock, id, hasEnded);
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(run).toMatchObject({ state: 'FAILED', reason: 'timed_out' });
  expect(await stateOf(id, 'held')).toBe('SUCCESS/null');
});

fault('3, 19', "a run's time runs out before any worker took it", async (clock) => {
  await pushHeld(stack, 'never-taken');
  await Promise.all(stack.workers.map((worker) => worker.kill()));
  const id = await startTimed('never-taken', '--run-timeout', '2s');
  await untilOutOfTime('never-taken');
  clock.over();
  const run = await untilShown(stack, clock, id, hasEnded);
  await Promise.all(stack.workers.map((worker) => worker.start()));
  await expectSound(stack, clock);
  expect(run).toMatchObject({ state: 'FAILED', reason: 'timed_out' });
  expect(await attemptsOf(stack, id, 'before')).toEqual([]);
});

fault('19', "a job's own time runs out just before it would publish", async (clock) => {
  const rules = { timeout: '1s', retry: { maximumAttempts: 1 } };
  const id = await startHeld(stack, 'job-late', { rules });
  const begun = triesOf(stack, id, 'held')[0]?.at ?? 0;
  await until(() => (Date.now() - begun > 1_200 ? true : undefined), 'its time is out');
  latches.open('job-late');
  clock.over();
  const run = await untilShown(stack, clock, id, hasEnded);
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(run).toMatchObject({ state: 'FAILED', reason: 'job_failed' });
  expect(await stateOf(id, 'held')).toBe('FAILED/timed_out');
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/timed_out']);
});

fault('19', "a job's own time runs out, and it goes on after its end was recorded", async (clock) => {
  const rules = { timeout: '1s', retry: { maximumAttempts: 1 } };
  const id = await startHeld(stack, 'job-deaf', { rules });
  clock.over();
  const run = await untilShown(stack, clock, id, hasEnded, 1_000 + cleanUpMs + 5_000);
  latches.open('job-deaf');
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(run).toMatchObject({ state: 'FAILED', reason: 'job_failed' });
  expect(await stateOf(id, 'held')).toBe('FAILED/timed_out');
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/timed_out']);
});

fault('19', "a job's own time runs out, and it publishes beside its next attempt", async (clock) => {
  const id = await startHeld(stack, 'job-beside', { config: { firstOnly: true }, rules: { timeout: '1s' } });
  await untilBegun(stack, id, 'held', 2);
  clock.over();
  latches.open('job-beside');
  const run = await untilShown(stack, clock, id, hasEnded);
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(run.state).toBe('SUCCESS');
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/timed_out', 'SUCCESS']);
});

fault('13, 19', "a job's last write is held up by a lock until its time is out", async (clock) => {
  const rules = { timeout: '2s', retry: { maximumAttempts: 1 } };
  const id = await startHeld(stack, 'job-locked', { rules });
  const begun = triesOf(stack, id, 'held')[0]?.at ?? 0;
  await whileLocked(stack, rowOf(id, 'held'), async () => {
    latches.open('job-locked');
    await untilPublished(stack, id, 'held');
    await until(() => (Date.now() - begun > 2_500 ? true : undefined), 'its time is out');
    clock.over();
  });
  await untilShown(stack, clock, id, hasEnded);
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(await readEffects(stack, 'job-locked', 'held')).toHaveLength(1);
  await untilJobIs(stack, id, 'held', 'SUCCESS');
});
