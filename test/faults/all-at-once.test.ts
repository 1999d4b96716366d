// More than one server away at once, up to a power cut.
import { expect } from 'vitest';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { attemptsOf, rowOf, untilPublished, whileLocked } from './support/observe.ts';
import { whileDown } from './support/outage.ts';
import { triesOf, untilBegun } from './support/wait-for.ts';

const stack = await useFaultStack({ workers: 2 });
const { latches } = stack;

/** Heartbeat time-out, sticky time-out, and 5 s. */
const lostWithinMs = 19_000;

async function startHeld(project: string): Promise<string> {
  await stack.push({
    project,
    jobs: {
      before: { kind: 'count' },
      ends: { kind: 'count', config: { latch: `${project}-ends` }, dependsOn: ['before'] },
      held: { kind: 'count', config: { latch: project }, dependsOn: ['before'] },
      after: { kind: 'count', dependsOn: ['ends', 'held'] },
    },
  });
  const id = await stack.start(project);
  for (const job of ['ends', 'held']) await untilBegun(stack, id, job);
  return id;
}

fault('8, 14', 'Postgres away for 20 s, and Temporal for 15 s of them, while jobs end', async (clock) => {
  const id = await startHeld('both');
  await whileDown(stack.postgres, () =>
    whileDown(
      stack.temporal,
      async () => {
        latches.open('both-ends');
      },
      15_000,
    ),
  );
  clock.over();
  latches.open('both');
  await expectSound(stack, clock, lostWithinMs);
  expect((await stack.client.graphRuns.get(id)).state).toBe('SUCCESS');
  for (const job of ['before', 'after']) expect(triesOf(stack, id, job)).toHaveLength(1);
});

fault('1, 8, 14', 'a power cut: all is killed at once, between a publish and its report', async (clock) => {
  const id = await startHeld('power-cut');
  const all = [...stack.workers, stack.api, stack.temporal, stack.postgres];
  await whileLocked(stack, rowOf(id, 'ends'), async () => {
    latches.open('power-cut-ends');
    await untilPublished(stack, id, 'ends');
    await Promise.all(all.map((each) => each.kill()));
  });
  await Promise.all([stack.postgres.start(), stack.temporal.start()]);
  await Promise.all([...stack.workers, stack.api].map((each) => each.start()));
  clock.over();
  latches.open('power-cut');
  await expectSound(stack, clock, lostWithinMs);
  expect((await stack.client.graphRuns.get(id)).state).toBe('SUCCESS');
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/lost', 'SUCCESS']);
  // It has published: its code has not run again.
  expect(triesOf(stack, id, 'ends')).toHaveLength(1);
});
