// Jobs in flight whose activity people reset, pause and unpause with Temporal's own command line: Temporal may count its
// attempts from 1 again, within one execution.
import { expect } from 'vitest';
import { heartbeat } from '../../graph/rules.ts';
import { graphRunWorkflowId } from '../../workflows/contract.ts';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { attemptsOf, rowOf, untilJobIs, untilPublished, whileLocked } from './support/observe.ts';
import { startHeld } from './support/start-held.ts';
import { temporalFor } from './support/temporal-cli.ts';
import { hasEnded, triesOf, untilBegun, untilIdle, untilShown } from './support/wait-for.ts';

const stack = await useFaultStack();
const { latches } = stack;

/** The server hears nothing of an attempt that it has given up, and waits for its heartbeat. */
const silentMs = heartbeat.timeoutMs + 5_000;

async function command(name: string, graphRunId: string, ...options: string[]): Promise<void> {
  await temporalFor(stack, `activity ${name}`, graphRunId, '--activity-id', 'held', ...options);
}

/** What Temporal says of the job's activity. */
async function pendingOf(graphRunId: string) {
  const { raw } = await stack.temporalClient.workflow.getHandle(graphRunWorkflowId(graphRunId, 1)).describe();
  return raw.pendingActivities?.find(({ activityId }) => activityId === 'held');
}

fault('21', 'an activity reset at its first attempt, which publishes afterwards', async (clock) => {
  const id = await startHeld(stack, 'reset-first', { config: { firstOnly: true } });
  await command('reset', id);
  clock.over();
  latches.open('reset-first');
  await untilShown(stack, clock, id, hasEnded, silentMs);
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect((await stack.client.graphRuns.get(id)).state).toBe('SUCCESS');
});

fault('21', 'an activity reset at its first attempt, which gives way', async (clock) => {
  const id = await startHeld(stack, 'reset-yields', { config: { firstOnly: true, heedless: false } });
  await command('reset', id);
  clock.over();
  await untilBegun(stack, id, 'held', 2);
  const run = await untilShown(stack, clock, id, hasEnded);
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(run.state).toBe('SUCCESS');
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/lost', 'SUCCESS']);
});

fault('21', 'an activity reset at its second attempt, which publishes afterwards', async (clock) => {
  const id = await startHeld(stack, 'reset-second', { config: { failures: 1 } }, 2);
  await command('reset', id);
  clock.over();
  latches.open('reset-second');
  const run = await untilShown(stack, clock, id, hasEnded, silentMs);
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(run.state).toBe('SUCCESS');
  // The attempt that Temporal does not hear any more had succeeded: it is not done again.
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/error', 'SUCCESS']);
  expect(triesOf(stack, id, 'held')).toHaveLength(2);
});

fault('21', 'an activity reset at its second attempt, which publishes after the next', async (clock) => {
  const config = { failures: 1 };
  const id = await startHeld(stack, 'reset-beside', { config }, 2);
  await command('reset', id);
  clock.over();
  await until(() => (triesOf(stack, id, 'held').length > 2 ? true : undefined), 'a third try', silentMs);
  latches.open('reset-beside');
  const run = await untilShown(stack, clock, id, hasEnded);
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(run.state).toBe('SUCCESS');
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/error', 'FAILED/lost', 'SUCCESS']);
});

fault('21', 'an activity reset while it waits for its next attempt', async (clock) => {
  const rules = { retry: { initialInterval: '1h' } };
  const id = await startHeld(stack, 'reset-waiting', { config: { failures: 1 }, rules });
  latches.open('reset-waiting');
  await untilJobIs(stack, id, 'held', 'PENDING');
  await until(async () => ((await pendingOf(id))?.attempt === 2 ? true : undefined), 'it waits');
  await command('reset', id);
  clock.over();
  const run = await untilShown(stack, clock, id, hasEnded);
  await expectSound(stack, clock);
  expect(run.state).toBe('SUCCESS');
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/error', 'SUCCESS']);
});

fault('21', 'an activity reset when its job had published and had not told so', async (clock) => {
  const id = await startHeld(stack, 'reset-untold', { config: { failures: 1 } }, 2);
  await whileLocked(stack, rowOf(id, 'held'), async () => {
    latches.open('reset-untold');
    await untilPublished(stack, id, 'held');
    await command('reset', id);
    clock.over();
  });
  const run = await untilShown(stack, clock, id, hasEnded, silentMs);
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(run.state).toBe('SUCCESS');
  expect(triesOf(stack, id, 'held')).toHaveLength(2);
});

fault('21', 'an activity paused in flight, whose job publishes all the same', async (clock) => {
  const id = await startHeld(stack, 'paused-late');
  await command('pause', id);
  clock.over();
  latches.open('paused-late');
  const run = await untilShown(stack, clock, id, hasEnded);
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(run.state).toBe('SUCCESS');
  expect(await attemptsOf(stack, id, 'held')).toEqual(['SUCCESS']);
});

fault('21', 'an activity paused in flight, which gives way, and unpaused', async (clock) => {
  const id = await startHeld(stack, 'paused', { config: { firstOnly: true, heedless: false } });
  await command('pause', id);
  await untilJobIs(stack, id, 'held', 'PENDING');
  const paused = await stack.client.graphRuns.get(id);
  expect(paused.jobRuns.map(({ job, state }) => [job, state])).toContainEqual(['held', 'PENDING']);
  expect(triesOf(stack, id, 'held')).toHaveLength(1);
  await command('unpause', id);
  clock.over();
  const run = await untilShown(stack, clock, id, hasEnded);
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(run.state).toBe('SUCCESS');
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/lost', 'SUCCESS']);
});

fault('21', 'an activity paused at its last attempt, and unpaused with its attempts reset', async (clock) => {
  const rules = { retry: { maximumAttempts: 2 } };
  const config = { failures: 1, heedless: false };
  const id = await startHeld(stack, 'counts-anew', { config, rules }, 2);
  await command('pause', id);
  await until(
    async () => ((await attemptsOf(stack, id, 'held')).at(-1) === 'FAILED/lost' ? true : undefined),
    'it gives way',
  );
  await command('unpause', id, '--reset-attempts');
  clock.over();
  await untilBegun(stack, id, 'held', 3);
  latches.open('counts-anew');
  const run = await untilShown(stack, clock, id, hasEnded);
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(run.state).toBe('SUCCESS');
  // Two by the rule, and one more since Temporal counts anew; our numbers go on.
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/error', 'FAILED/lost', 'SUCCESS']);
});
