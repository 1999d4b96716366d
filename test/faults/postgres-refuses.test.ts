// Postgres up, and refusing: writes, or connections.
import { expect } from 'vitest';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { attemptsOf, whileLocked } from './support/observe.ts';
import { ask, expectStoreAway, trigger } from './support/outage.ts';
import { whileDiskIsFull, whileFull, whileReadOnly } from './support/refusals.ts';
import { untilBegun } from './support/wait-for.ts';

const stack = await useFaultStack();
const { latches } = stack;

const completeWithinMs = 10_000;

/** A run in which jobs work, end and begin once `project` is opened. */
async function startHeld(project: string): Promise<string> {
  const held = { config: { latch: project } };
  await stack.push({
    project,
    jobs: {
      gate: { kind: 'step', ...held },
      publishes: { kind: 'count', ...held },
      begins: { kind: 'step', dependsOn: ['gate'] },
      stages: { kind: 'count', dependsOn: ['gate'] },
      after: { kind: 'count', dependsOn: ['publishes', 'begins', 'stages'] },
    },
  });
  const id = await stack.start(project);
  for (const job of ['gate', 'publishes']) await untilBegun(stack, id, job);
  return id;
}

/** What is stored of runs, jobs and attempts. */
async function countWrites(): Promise<unknown> {
  const [row] = await stack.sql('SELECT last FROM event_counter');
  return row;
}

async function expectUnharmed(graphRunId: string): Promise<void> {
  const { state, jobRuns } = await stack.client.graphRuns.get(graphRunId);
  expect(state).toBe('SUCCESS');
  for (const { job } of jobRuns)
    expect([job, await attemptsOf(stack, graphRunId, job)]).toEqual([job, ['SUCCESS']]);
}

fault('11', 'Postgres takes no writes for 10 s, in the middle of a run', async (clock) => {
  const id = await startHeld('read-only');
  await whileReadOnly(stack, 10_000, async () => {
    const before = await countWrites();
    latches.open('read-only');
    expect(await trigger(stack, 'read-only', 'refused')).toMatchObject({
      status: 503,
      retryAfter: expect.stringMatching(/^\d+$/),
      body: { code: 'STORE_UNAVAILABLE', detail: expect.stringContaining('takes no writes') },
    });
    expect(await ask(stack, `/v1/graph-runs/${id}`)).toMatchObject({
      status: 200,
      body: { state: 'RUNNING' },
    });
    expect(await countWrites()).toEqual(before);
  });
  clock.over();
  await expectSound(stack, clock, completeWithinMs);
  await expectUnharmed(id);
  expect((await stack.client.graphRuns.list({ project: 'read-only' })).items).toHaveLength(1);
});

fault('11', 'the disk of Postgres is full for 10 s, in the middle of a run', async (clock) => {
  const id = await startHeld('disk-full');
  await whileDiskIsFull(stack, 10_000, async () => {
    const before = await countWrites();
    latches.open('disk-full');
    expect(await trigger(stack, 'disk-full', 'refused')).toMatchObject({
      status: 503,
      body: { code: 'STORE_UNAVAILABLE', detail: expect.stringContaining('has no disk space left') },
    });
    expect(await countWrites()).toEqual(before);
  });
  clock.over();
  await expectSound(stack, clock, completeWithinMs);
  await expectUnharmed(id);
  expect((await stack.client.graphRuns.list({ project: 'disk-full' })).items).toHaveLength(1);
});

fault('12', 'Postgres has no connection left for 10 s, in the middle of a run', async (clock) => {
  const id = await startHeld('full');
  await whileFull(stack, 10_000, async () => {
    latches.open('full');
    const begun = performance.now();
    await expectStoreAway(stack, id);
    expect(await trigger(stack, 'full', 'refused')).toMatchObject({
      status: 503,
      body: { detail: expect.stringContaining('has no connection left') },
    });
    expect(performance.now() - begun).toBeLessThan(6_000);
  });
  clock.over();
  await expectSound(stack, clock, completeWithinMs);
  await expectUnharmed(id);
});

fault('12', "all of the API's connections are in use, by requests that wait for a lock", async (clock) => {
  const id = await startHeld('beside');
  // Of each project a few are let at the database at once.
  const projects = Array.from({ length: 10 }, (_, number) => `exhausted-${number}`);
  for (const project of projects) await stack.push({ project, jobs: { a: { kind: 'step' } } });
  const triggers = projects.flatMap((project) => [1, 2, 3].map((number) => ({ project, number })));
  const triggerAll = () =>
    Promise.all(triggers.map(({ project, number }) => trigger(stack, project, `${project}/${number}`)));
  const lock = { sql: `SELECT FROM project WHERE name = ANY ($1) FOR UPDATE`, values: [projects] };
  await whileLocked(stack, lock, async () => {
    const begun = performance.now();
    const [refused, read] = await Promise.all([triggerAll(), ask(stack, `/v1/graph-runs/${id}`)]);
    expect(performance.now() - begun).toBeLessThan(17_000);
    expect(refused.map(({ status }) => status)).toEqual(triggers.map(() => 503));
    expect([200, 503]).toContain(read.status);
    // The workers have connections of their own.
    latches.open('beside');
  });
  const acknowledged = await triggerAll();
  expect(acknowledged.map(({ status }) => status)).toEqual(triggers.map(() => 201));
  for (const { body } of acknowledged) stack.runs.push((body as { readonly id: string }).id);
  clock.over();
  await expectSound(stack, clock);
  await expectUnharmed(id);
});
