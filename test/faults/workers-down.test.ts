// All workers down for longer than any time-out: what runs waits, what is triggered waits, and both are told why.
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { attemptsOf } from './support/observe.ts';
import { triesOf } from './support/wait-for.ts';

const stack = await useFaultStack({ workers: 2 });
const { latches } = stack;

/** Longer than heartbeat, workflow task and lease last. */
const downMs = 25_000;

fault('3', 'all workers down, with a run under way and a run that is triggered meanwhile', async (clock) => {
  const jobs = (latch: string) => ({
    before: { kind: 'count' },
    held: { kind: 'count', config: { latch }, dependsOn: ['before'] },
    after: { kind: 'count', dependsOn: ['held'] },
  });
  await stack.push({ project: 'under-way', jobs: jobs('under-way') });
  await stack.push({ project: 'triggered', jobs: jobs('triggered') });
  const underWay = await stack.start('under-way');
  await latches.reached('under-way');
  await Promise.all(stack.workers.map((worker) => worker.kill()));
  latches.open('under-way');
  latches.open('triggered');
  const up = pause(downMs);
  const triggered = await stack.start('triggered');
  const told = (id: string) =>
    until(async () => {
      const { run } = await stack.client.graphRuns.explain(id);
      return run.reason === 'no_worker' ? run : undefined;
    }, 'explain tells that no worker polls');
  expect((await told(triggered)).message).toContain('No worker polls the task queue "graphrun"');
  expect((await told(underWay)).message).toContain('No worker polls the task queue "graphrun"');
  await up;
  expect(await stack.client.graphRuns.get(triggered)).toMatchObject({ state: 'PENDING', reason: 'queued' });
  expect(await stack.client.graphRuns.get(underWay)).toMatchObject({ state: 'RUNNING', reason: null });
  expect(triesOf(stack, triggered, 'before')).toEqual([]);

  await Promise.all(stack.workers.map((worker) => worker.start()));
  clock.over();
  await expectSound(stack, clock);
  for (const id of [underWay, triggered])
    expect((await stack.client.graphRuns.get(id)).state).toBe('SUCCESS');
  expect(await attemptsOf(stack, underWay, 'held')).toEqual(['FAILED/lost', 'SUCCESS']);
  expect(await attemptsOf(stack, triggered, 'held')).toEqual(['SUCCESS']);
});
