// Runs that people end with Temporal's own command line, or that Temporal ends for their time.
import { expect } from 'vitest';
import { isFinal } from '../../graph/states.ts';
import { defaultTaskQueue, jobRunWorkflowId } from '../../workflows/contract.ts';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { readEffects } from './support/find-faults.ts';
import { attemptsOf } from './support/observe.ts';
import { always, pushHeld, startHeld } from './support/start-held.ts';
import { temporal, temporalFor } from './support/temporal-cli.ts';
import { shownWithinMs, triesOf, untilBegun, untilIdle, untilShown } from './support/wait-for.ts';

const stack = await useFaultStack();
const { latches } = stack;

/** `held` works until its latch opens, unless it is told to stop. */
const stoppable = (config: Record<string, unknown>) => ({
  config: { heedless: false, ...config },
  more: always,
});

async function endsOf(graphRunId: string): Promise<Record<string, string>> {
  const { jobRuns } = await stack.client.graphRuns.get(graphRunId);
  return Object.fromEntries(jobRuns.map(({ job, state, reason }) => [job, `${state}/${reason ?? ''}`]));
}

const endedBy = (reason: string) => ({
  before: 'SUCCESS/',
  held: `FAILED/${reason}`,
  after: `FAILED/${reason}`,
  always: `FAILED/${reason}`,
});

fault('20', 'cancelled: the job in flight cleans up, and nothing begins after it', async (clock) => {
  const id = await startHeld(stack, 'cancelled', stoppable({ cleanUpMs: 500 }));
  await temporalFor(stack, 'workflow cancel', id);
  const cancelledAt = Date.now();
  clock.over();
  const run = await untilShown(stack, clock, id, ({ state }) => isFinal(state));
  await expectSound(stack, clock);
  expect(run.reason).toBe('cancelled');
  expect(await endsOf(id)).toEqual(endedBy('cancelled'));
  const cleaned = latches
    .journal()
    .filter(({ event, graphRunId }) => event === 'cleaned' && graphRunId === id);
  expect(cleaned).toHaveLength(1);
  expect((cleaned[0]?.at ?? 0) - cancelledAt).toBeLessThan(500 + 2_500);
  for (const job of ['after', 'always']) expect(triesOf(stack, id, job)).toEqual([]);
});

fault('20', 'cancelled with a job that takes no notice: it is shut out after its grace', async (clock) => {
  const id = await startHeld(stack, 'heedless', stoppable({ heedless: true }));
  await temporalFor(stack, 'workflow cancel', id);
  clock.over();
  const run = await untilShown(stack, clock, id, ({ state }) => isFinal(state), 10_000 + shownWithinMs);
  latches.open('heedless');
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(run.reason).toBe('cancelled');
  expect(await endsOf(id)).toEqual(endedBy('cancelled'));
});

fault('19', 'a lone job run, terminated while it works and publishes afterwards', async (clock) => {
  await pushHeld(stack, 'alone', stoppable({ heedless: true }));
  const { id } = await stack.client.jobs.run('alone', 'held');
  await until(() => latches.journal().find((entry) => entry.jobRunId === id), 'its code has begun');
  await temporal(stack, 'workflow', 'terminate', '--workflow-id', jobRunWorkflowId(id, 1));
  clock.over();
  const jobRun = await until(
    async () => {
      const found = await stack.client.jobRuns.get(id);
      return isFinal(found.state) ? found : undefined;
    },
    'the terminate shows',
    shownWithinMs,
  );
  clock.right();
  latches.open('alone');
  await untilIdle(stack);
  expect(jobRun).toMatchObject({ state: 'FAILED', reason: 'terminated', attempts: 1 });
  expect(jobRun.tasks).toMatchObject([{ closedAt: expect.any(String) }]);
  expect(await stack.client.jobRuns.attempts(id)).toMatchObject([{ state: 'FAILED', reason: 'terminated' }]);
  expect(await stack.client.jobRuns.get(id)).toEqual(jobRun);
  expect(await readEffects(stack, 'alone', 'held')).toEqual([]);
  // The job itself can be run as before.
  await stack.start('alone');
  await expectSound(stack, clock);
});

fault('19', 'deleted in Temporal with a job in flight that publishes afterwards', async (clock) => {
  const id = await startHeld(stack, 'deleted', stoppable({ heedless: true }));
  await temporalFor(stack, 'workflow delete', id);
  stack.deleted.add(id);
  clock.over();
  const run = await untilShown(stack, clock, id, ({ state }) => isFinal(state));
  latches.open('deleted');
  await untilIdle(stack);
  await expectSound(stack, clock);
  // Temporal terminates it first, and who looks in time sees that.
  expect(['lost', 'terminated']).toContain(run.reason);
  expect(await endsOf(id)).toEqual(endedBy(run.reason ?? ''));
});

fault(
  '19',
  "ended by the workflow's own time-out, with a job in flight that publishes afterwards",
  async (clock) => {
    await pushHeld(stack, 'out-of-time', stoppable({ heedless: true }));
    const options = ['--task-queue', defaultTaskQueue, '--execution-timeout', '3s'];
    const workflow = [
      '--type',
      'graphRun',
      '--workflow-id',
      'out-of-time',
      '--input',
      '{"project":"out-of-time"}',
    ];
    await temporal(stack, 'workflow', 'start', ...workflow, ...options);
    const id = await until(
      async () => (await stack.client.graphRuns.list({ project: 'out-of-time' })).items[0]?.id,
      'it has a row',
    );
    stack.runs.push(id);
    await untilBegun(stack, id, 'held');
    await until(async () => {
      const { status } = await stack.temporalClient.workflow.getHandle('out-of-time').describe();
      return status.name === 'TIMED_OUT' ? true : undefined;
    }, 'its time is out');
    clock.over();
    const run = await untilShown(stack, clock, id, ({ state }) => isFinal(state));
    latches.open('out-of-time');
    await untilIdle(stack);
    await expectSound(stack, clock);
    expect(run.reason).toBe('timed_out');
    expect(await endsOf(id)).toEqual(endedBy('timed_out'));
    expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/timed_out']);
  },
);
