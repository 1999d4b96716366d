// A workflow id that is used again with Temporal's own command line. No two executions may carry out one run.
import { expect } from 'vitest';
import { graphRunWorkflowId } from '../../workflows/contract.ts';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { attemptsOf } from './support/observe.ts';
import { pushHeld, startHeld } from './support/start-held.ts';
import { startOutside } from './support/temporal-cli.ts';
import { hasEnded, triesOf, untilBegun, untilIdle, untilShown } from './support/wait-for.ts';

const stack = await useFaultStack();
const { latches } = stack;

const again = ['--id-reuse-policy', 'AllowDuplicate'];
const instead = [...again, '--id-conflict-policy', 'TerminateExisting'];

/** Waits until an execution has ended by itself, having been told that it carries out no run. */
async function untilRefused(workflowId: string, runId: string): Promise<void> {
  stack.refused.add(runId);
  const handle = stack.temporalClient.workflow.getHandle(workflowId, runId);
  const message = await handle.result().then(
    () => 'it succeeded',
    ({ cause }) => `${cause?.type}: ${cause?.message}`,
  );
  expect(message).toMatch(/^lost: /);
}

/** Runs of a project, oldest first. */
async function runsOf(project: string) {
  return (await stack.client.graphRuns.list({ project })).items.toReversed();
}

async function untilRuns(project: string, count: number): Promise<string[]> {
  const ids = await until(async () => {
    const runs = await runsOf(project);
    return runs.length >= count ? runs.map(({ id }) => id) : undefined;
  }, `${project} has ${count} runs`);
  expect(ids).toHaveLength(count);
  stack.runs.push(...ids);
  return ids;
}

fault('19, 21', 'the id of a run that has ended is used again', async (clock) => {
  const id = await startHeld(stack, 'over');
  latches.open('over');
  const run = await untilShown(stack, clock, id, hasEnded);
  const workflowId = graphRunWorkflowId(id, 1);
  for (const input of [{ project: 'over' }, { project: 'over', graphRunId: id }]) {
    const runId = await startOutside(stack, workflowId, input, again);
    await untilRefused(workflowId, runId);
  }
  clock.over();
  await expectSound(stack, clock);
  expect(await stack.client.graphRuns.get(id)).toEqual(run);
  expect(triesOf(stack, id, 'held')).toHaveLength(1);
});

fault('19, 21', 'the id of a run that is open is used again', async (clock) => {
  const id = await startHeld(stack, 'open');
  const workflowId = graphRunWorkflowId(id, 1);
  // Without the option it tells of the execution that is open.
  const [task] = (await stack.client.graphRuns.get(id)).tasks;
  expect(await startOutside(stack, workflowId, { project: 'open' }, again)).toBe(task?.runId);
  const refused = startOutside(stack, workflowId, { project: 'open' }, [...again, '--fail-existing']);
  await expect(refused).rejects.toThrow(/already/i);
  clock.over();
  latches.open('open');
  const run = await untilShown(stack, clock, id, hasEnded);
  await expectSound(stack, clock);
  expect(run).toMatchObject({ state: 'SUCCESS', tasks: [{ epoch: 1 }] });
});

fault('19, 21', 'another execution is started in the place of one whose run is open', async (clock) => {
  const id = await startHeld(stack, 'ousted');
  const workflowId = graphRunWorkflowId(id, 1);
  const runId = await startOutside(stack, workflowId, { project: 'ousted', graphRunId: id }, instead);
  clock.over();
  const run = await untilShown(stack, clock, id, hasEnded);
  await untilRefused(workflowId, runId);
  latches.open('ousted');
  await untilIdle(stack);
  await expectSound(stack, clock);
  expect(run).toMatchObject({ state: 'FAILED', reason: 'terminated', tasks: [{ epoch: 1 }] });
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/terminated']);
});

fault('19, 21', 'an id of ours with a later epoch, and one of a run that is not there', async (clock) => {
  const id = await startHeld(stack, 'epochs');
  const nobody = '01a21227-6d8f-741c-bce1-387958c5df15';
  for (const workflowId of [graphRunWorkflowId(id, 2), graphRunWorkflowId(nobody, 1)]) {
    await untilRefused(workflowId, await startOutside(stack, workflowId, { project: 'epochs' }));
  }
  clock.over();
  latches.open('epochs');
  const run = await untilShown(stack, clock, id, hasEnded);
  await untilRefused(
    graphRunWorkflowId(id, 2),
    await startOutside(stack, graphRunWorkflowId(id, 2), { project: 'epochs' }, again),
  );
  await expectSound(stack, clock);
  expect(await stack.client.graphRuns.get(id)).toEqual(run);
  expect(await runsOf('epochs')).toHaveLength(1);
});

fault('19, 21', 'an id of one’s own, used twice at once and again after the end', async (clock) => {
  await pushHeld(stack, 'own');
  const started = await Promise.allSettled(
    [1, 2, 3].map(() => startOutside(stack, 'own', { project: 'own' }, again)),
  );
  // The one that is open is what all of them are told of, or are refused for.
  const runIds = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  expect(new Set(runIds).size).toBe(1);
  const first = await until(async () => (await runsOf('own'))[0]?.id, 'the run has a row');
  await untilBegun(stack, first, 'held');
  latches.open('own');
  await until(
    async () => ((await stack.client.graphRuns.get(first)).state === 'SUCCESS' ? true : undefined),
    'it ends',
  );
  await startOutside(stack, 'own', { project: 'own' }, again);
  clock.over();
  const ids = await untilRuns('own', 2);
  await expectSound(stack, clock);
  for (const id of ids)
    expect(await stack.client.graphRuns.get(id)).toMatchObject({ state: 'SUCCESS', tasks: [{ epoch: 1 }] });
});

fault(
  '19, 21',
  'an id of one’s own, with another execution in the place of the one that is open',
  async (clock) => {
    await pushHeld(stack, 'own-ousted', { config: { firstOnly: true } });
    await startOutside(stack, 'own-ousted', { project: 'own-ousted' });
    const first = await until(async () => (await runsOf('own-ousted'))[0]?.id, 'the run has a row');
    await untilBegun(stack, first, 'held');
    await startOutside(stack, 'own-ousted', { project: 'own-ousted' }, instead);
    clock.over();
    const ids = await untilRuns('own-ousted', 2);
    await untilShown(stack, clock, first, hasEnded);
    await untilBegun(stack, ids[1] ?? '', 'held');
    latches.open('own-ousted');
    await untilIdle(stack);
    await expectSound(stack, clock);
    const [old, next] = await Promise.all(ids.map((id) => stack.client.graphRuns.get(id)));
    expect(old).toMatchObject({ id: first, state: 'FAILED', reason: 'terminated' });
    expect(next).toMatchObject({ state: 'SUCCESS' });
  },
);
