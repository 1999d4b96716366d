// Postgres away for 20 s, with the metadata and the warehouse on it.
import { expect } from 'vitest';
import { defaultTaskQueue } from '../../workflows/contract.ts';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { attemptsOf, rowOf, untilBlocked, untilPublished, whileLocked } from './support/observe.ts';
import { ask, expectStoreAway, statusesWhile, trigger, whileDown } from './support/outage.ts';
import { temporal } from './support/temporal-cli.ts';
import { triesOf, untilBegun } from './support/wait-for.ts';

const stack = await useFaultStack();
const { latches } = stack;

/** From the moment at which Postgres is up again. */
const completeWithinMs = 10_000;

fault('8', 'Postgres away for 20 s, while jobs begin, work and end', async (clock) => {
  const begins = { dependsOn: ['gate'] };
  await stack.push({
    project: 'mid-run',
    jobs: {
      gate: { kind: 'step', config: { latch: 'gate' } },
      ends: { kind: 'step', config: { latch: 'ends' } },
      publishes: { kind: 'count', config: { latch: 'ends' } },
      works: { kind: 'step', config: { latch: 'works' } },
      writes: { kind: 'count', config: { latch: 'works' } },
      begins: { kind: 'step', ...begins },
      stages: { kind: 'count', ...begins },
      after: { kind: 'count', dependsOn: ['ends', 'publishes', 'works', 'writes', 'begins', 'stages'] },
    },
  });
  const id = await stack.start('mid-run');
  for (const job of ['gate', 'ends', 'publishes', 'works', 'writes']) await untilBegun(stack, id, job);
  const statuses = await statusesWhile(stack, `/v1/graph-runs/${id}`, () =>
    whileLocked(stack, rowOf(id, 'stages'), async () => {
      latches.open('gate');
      await untilBlocked(stack);
      await whileDown(stack.postgres, async () => {
        await expectStoreAway(stack, id);
        latches.open('ends');
        await until(() => doneOf(id, 'ends'), 'a job has ended');
        await expectStoreAway(stack, id);
      });
    }),
  );
  clock.over();
  latches.open('works');
  await expectSound(stack, clock, completeWithinMs);
  expect([...statuses].sort()).toEqual([200, 503]);
  expect((await ask(stack, '/health/ready')).status).toBe(200);
  await expectAllFirstTries(id);
  for (const job of ['gate', 'ends', 'works', 'begins']) expect(triesOf(stack, id, job)).toHaveLength(1);
});

fault('8', 'Postgres away for 20 s when a job has published and not yet told so', async (clock) => {
  await stack.push({
    project: 'last-write',
    jobs: {
      held: { kind: 'count', config: { latch: 'last-write' } },
      after: { kind: 'count', dependsOn: ['held'] },
    },
  });
  const id = await stack.start('last-write');
  await untilBegun(stack, id, 'held');
  await whileLocked(stack, rowOf(id, 'held'), async () => {
    latches.open('last-write');
    await untilPublished(stack, id, 'held');
    await whileDown(stack.postgres);
  });
  clock.over();
  await expectSound(stack, clock, completeWithinMs);
  await expectAllFirstTries(id);
  expect(triesOf(stack, id, 'held')).toHaveLength(1);
});

fault('8', 'a run that Temporal starts while Postgres is away for 20 s', async (clock) => {
  await stack.push({
    project: 'outside',
    jobs: { a: { kind: 'count' }, b: { kind: 'step', dependsOn: ['a'] } },
  });
  await whileDown(stack.postgres, async () => {
    const what = ['--type', 'graphRun', '--workflow-id', 'outside', '--input', '{"project":"outside"}'];
    await temporal(stack, 'workflow', 'start', ...what, '--task-queue', defaultTaskQueue);
  });
  clock.over();
  const id = await until(
    async () => (await stack.client.graphRuns.list({ project: 'outside' })).items[0]?.id,
    'it has a row',
    completeWithinMs,
  );
  stack.runs.push(id);
  await expectSound(stack, clock, completeWithinMs);
  await expectAllFirstTries(id);
});

fault('9', 'Postgres away at a trigger, which is sent again with the same Idempotency-Key', async (clock) => {
  await stack.push({ project: 'trigger', jobs: { a: { kind: 'count' } } });
  await whileDown(
    stack.postgres,
    async () => {
      const begun = performance.now();
      const refused = await trigger(stack, 'trigger', 'same');
      expect(performance.now() - begun).toBeLessThan(6_000);
      expect(refused).toMatchObject({ status: 503, retryAfter: expect.stringMatching(/^\d+$/) });
    },
    0,
  );
  expect((await stack.client.graphRuns.list({ project: 'trigger' })).items).toEqual([]);
  const first = await trigger(stack, 'trigger', 'same');
  const again = await trigger(stack, 'trigger', 'same');
  expect(first.status).toBe(201);
  expect(again).toEqual(first);
  const { items } = await stack.client.graphRuns.list({ project: 'trigger' });
  stack.runs.push(...items.map(({ id }) => id));
  clock.over();
  await expectSound(stack, clock);
  expect(items).toHaveLength(1);
});

/** The outage costs no attempt: each job succeeded in its first. */
async function expectAllFirstTries(graphRunId: string): Promise<void> {
  const { state, jobRuns } = await stack.client.graphRuns.get(graphRunId);
  expect(state).toBe('SUCCESS');
  for (const { job } of jobRuns)
    expect([job, await attemptsOf(stack, graphRunId, job)]).toEqual([job, ['SUCCESS']]);
}

function doneOf(graphRunId: string, job: string): true | undefined {
  const isDone = latches
    .journal()
    .some((each) => each.event === 'done' && each.graphRunId === graphRunId && each.job === job);
  return isDone || undefined;
}
