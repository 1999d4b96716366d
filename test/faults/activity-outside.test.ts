// Jobs in flight that people complete or fail with Temporal's own command line. No attempt of ours tells of such an end.
import { expect } from 'vitest';
import { jobRunIdOf } from '../../store/index.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { readEffects } from './support/find-faults.ts';
import { attemptsOf, rowOf, untilPublished, whileLocked } from './support/observe.ts';
import { startHeld } from './support/start-held.ts';
import { temporalFor } from './support/temporal-cli.ts';
import { hasEnded, triesOf, untilIdle, untilShown } from './support/wait-for.ts';

const stack = await useFaultStack();
const { latches } = stack;

async function complete(graphRunId: string, result: unknown): Promise<void> {
  const told = ['--activity-id', 'held', '--result', JSON.stringify(result)];
  await temporalFor(stack, 'activity complete', graphRunId, ...told);
}

async function fail(graphRunId: string, reason: string): Promise<void> {
  await temporalFor(stack, 'activity fail', graphRunId, '--activity-id', 'held', '--reason', reason);
}

const heldOf = (graphRunId: string) => stack.client.jobRuns.get(jobRunIdOf(graphRunId, 'held'));

fault('20', 'completed outside with a job in flight that publishes afterwards', async (clock) => {
  const id = await startHeld(stack, 'completed');
  stack.given.add(jobRunIdOf(id, 'held'));
  await complete(id, { rows: 7 });
  clock.over();
  const run = await untilShown(stack, clock, id, hasEnded);
  latches.open('completed');
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(run.state).toBe('SUCCESS');
  expect(await heldOf(id)).toMatchObject({ state: 'SUCCESS', output: { rows: 7 }, error: null });
  expect(await attemptsOf(stack, id, 'held')).toEqual(['SUCCESS']);
});

fault('20', 'completed outside when the job had published and had not told so', async (clock) => {
  const id = await startHeld(stack, 'completed-late');
  await whileLocked(stack, rowOf(id, 'held'), async () => {
    latches.open('completed-late');
    await untilPublished(stack, id, 'held');
    await complete(id, { rows: 7 });
    clock.over();
  });
  await untilShown(stack, clock, id, hasEnded);
  await untilIdle(stack);
  await expectSound(stack, clock);
  // What the job itself has published counts, not what was said of it.
  expect(await heldOf(id)).toMatchObject({ state: 'SUCCESS', output: { rows: 1 } });
  expect(await attemptsOf(stack, id, 'held')).toEqual(['SUCCESS']);
});

fault('20', 'completed outside with more than can be kept, beside a job in flight', async (clock) => {
  const id = await startHeld(stack, 'too-much');
  // A command line holds less than an output may be.
  const handle = { workflowId: `graph-run/${id}/1`, activityId: 'held' };
  await stack.temporalClient.activity.complete(handle, 'x'.repeat(300_000));
  clock.over();
  const run = await untilShown(stack, clock, id, hasEnded);
  latches.open('too-much');
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(run).toMatchObject({ state: 'FAILED', reason: 'job_failed' });
  expect(await heldOf(id)).toMatchObject({ state: 'FAILED', error: { code: 'OUTPUT_TOO_LARGE' } });
});

fault('20', 'failed outside with a job in flight that publishes afterwards', async (clock) => {
  const id = await startHeld(stack, 'failed');
  await fail(id, 'stopped by Ann');
  clock.over();
  const run = await untilShown(stack, clock, id, hasEnded);
  latches.open('failed');
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(run).toMatchObject({ state: 'FAILED', reason: 'job_failed' });
  expect(run.jobRuns.map(({ state, reason }) => `${state}/${reason}`)).toEqual([
    'SUCCESS/null',
    'FAILED/error',
    'FAILED/upstream_failed',
  ]);
  expect(await heldOf(id)).toMatchObject({ error: { message: 'stopped by Ann' } });
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/error']);
  expect(triesOf(stack, id, 'after')).toEqual([]);
});

fault('20', 'failed outside when the job had published and had not told so', async (clock) => {
  const id = await startHeld(stack, 'failed-late');
  await whileLocked(stack, rowOf(id, 'held'), async () => {
    latches.open('failed-late');
    await untilPublished(stack, id, 'held');
    await fail(id, 'it seems to hang');
    clock.over();
  });
  const run = await untilShown(stack, clock, id, hasEnded);
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(run.state).toBe('SUCCESS');
  expect(await heldOf(id)).toMatchObject({ state: 'SUCCESS', output: { rows: 1 }, error: null });
  expect(await readEffects(stack, 'failed-late', 'after')).toHaveLength(1);
});

fault('20', 'failed outside at the very moment at which the job publishes', async (clock) => {
  const projects = ['at-once-a', 'at-once-b', 'at-once-c', 'at-once-d'];
  const ids = await Promise.all(projects.map((project) => startHeld(stack, project)));
  await Promise.all(
    ids.map(async (id, index) => {
      const failing = fail(id, 'just then');
      latches.open(projects[index] ?? '');
      // Where the job's own end comes first, Temporal has nothing left to fail.
      await failing.catch(() => {});
    }),
  );
  clock.over();
  for (const id of ids) await untilShown(stack, clock, id, hasEnded);
  await untilIdle(stack);
  // Either may have come first: the warehouse, the rows and Temporal say the same.
  await expectSound(stack, clock);
});

fault('19, 20', 'failed outside, and terminated at once', async (clock) => {
  const id = await startHeld(stack, 'failed-ended');
  await fail(id, 'first');
  await temporalFor(stack, 'workflow terminate', id).catch(() => {});
  clock.over();
  const run = await untilShown(stack, clock, id, hasEnded);
  latches.open('failed-ended');
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(['terminated', 'job_failed']).toContain(run.reason);
  expect(await readEffects(stack, 'failed-ended', 'held')).toEqual([]);
});
