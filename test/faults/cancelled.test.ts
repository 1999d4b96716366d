// Runs that are cancelled by the API, whatever is down when they are.
import { expect } from 'vitest';
import { isFinal } from '../../graph/states.ts';
import { cancelGraceMs } from '../../workflows/contract.ts';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { attemptsOf, untilJobIs } from './support/observe.ts';
import { always, startHeld } from './support/start-held.ts';
import { letWatch, triesOf, untilBegun, untilIdle, untilShown } from './support/wait-for.ts';

const stack = await useFaultStack();
const { latches } = stack;

/** From the request on, until the job's code is told. */
const seenWithinMs = 2_000;
/** The end shows this long after a grace, at most. */
const endsWithinMs = 10_000;

/** `held` works until its latch opens, unless it is told to stop. */
function startStoppable(project: string, config: Record<string, unknown> = {}): Promise<string> {
  return startHeld(stack, project, { config: { heedless: false, ...config }, more: always });
}

async function expectCancelled(id: string): Promise<void> {
  const { state, reason, jobRuns, cancelRequest } = await stack.client.graphRuns.get(id);
  expect([state, reason, cancelRequest?.note]).toEqual(['FAILED', 'cancelled', 'a test']);
  expect(jobRuns.map((job) => [job.job, job.state, job.reason])).toEqual([
    ['before', 'SUCCESS', null],
    ['held', 'FAILED', 'cancelled'],
    ['after', 'FAILED', 'cancelled'],
    ['always', 'FAILED', 'cancelled'],
  ]);
  for (const job of ['after', 'always']) expect(triesOf(stack, id, job)).toEqual([]);
}

const cancel = (id: string) => stack.client.graphRuns.cancel(id, { note: 'a test' });
const isEnded = ({ state }: { readonly state: Parameters<typeof isFinal>[0] }) => isFinal(state);

async function killWorkers(): Promise<void> {
  await Promise.all(stack.workers.map((worker) => worker.kill()));
}

async function startWorkers(): Promise<void> {
  await Promise.all(stack.workers.map((worker) => worker.start()));
}

fault(
  '20, 38',
  'the job in flight sees it within 2 s and cleans up, and nothing begins after it',
  async (clock) => {
    const id = await startStoppable('by-api', { cleanUpMs: 500 });
    const at = Date.now();
    await cancel(id);
    clock.over();
    await untilShown(stack, clock, id, isEnded, endsWithinMs);
    await expectSound(stack, clock);
    await expectCancelled(id);
    const cleaned = latches
      .journal()
      .filter(({ event, graphRunId }) => event === 'cleaned' && graphRunId === id);
    expect(cleaned).toHaveLength(1);
    expect((cleaned[0]?.at ?? 0) - at).toBeLessThan(seenWithinMs + 500);
    expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/cancelled']);
  },
);

fault('20', 'a job that waits for its next attempt is not tried again', async (clock) => {
  const project = 'back-off';
  const jobs = {
    flaky: {
      kind: 'step',
      config: { failures: 1 },
      retry: { initialInterval: '60s', maximumInterval: '60s' },
    },
    after: { kind: 'count', dependsOn: ['flaky'] },
  };
  await stack.push({ project, jobs });
  const id = await stack.start(project);
  await untilJobIs(stack, id, 'flaky', 'PENDING');
  await until(
    async () => ((await attemptsOf(stack, id, 'flaky'))[0] === 'FAILED/error' ? true : undefined),
    'it failed',
  );
  await cancel(id);
  clock.over();
  const run = await untilShown(stack, clock, id, isEnded);
  await expectSound(stack, clock);
  expect(run.reason).toBe('cancelled');
  expect(run.jobRuns.map(({ reason }) => reason)).toEqual(['cancelled', 'cancelled']);
  expect(triesOf(stack, id, 'flaky')).toHaveLength(1);
  expect(triesOf(stack, id, 'after')).toEqual([]);
});

fault('3, 20', 'while all workers are down: it ends within its grace and 10 s', async (clock) => {
  await letWatch(stack, 'api');
  const id = await startStoppable('no-workers', { heedless: true });
  await killWorkers();
  await cancel(id);
  clock.over();
  await untilShown(stack, clock, id, isEnded, cancelGraceMs + endsWithinMs);
  latches.open('no-workers');
  await startWorkers();
  await expectSound(stack, clock);
  await expectCancelled(id);
  expect(triesOf(stack, id, 'held')).toHaveLength(1);
});

fault('3, 20', 'while all workers stand still; they go on with their jobs afterwards', async (clock) => {
  await letWatch(stack, 'api');
  const id = await startStoppable('frozen', { heedless: true });
  for (const worker of stack.workers) worker.freeze();
  await cancel(id);
  clock.over();
  await untilShown(stack, clock, id, isEnded, cancelGraceMs + endsWithinMs);
  latches.open('frozen');
  for (const worker of stack.workers) worker.thaw();
  await untilIdle(stack);
  await expectSound(stack, clock);
  await expectCancelled(id);
});

fault('3, 20', 'before any worker has taken the run', async (clock) => {
  await letWatch(stack, 'api');
  await killWorkers();
  await stack.push({ project: 'not-begun', jobs: { a: { kind: 'count' } } });
  const id = await stack.start('not-begun');
  await cancel(id);
  await startWorkers();
  clock.over();
  const run = await untilShown(stack, clock, id, isEnded, endsWithinMs);
  await expectSound(stack, clock);
  expect(run).toMatchObject({ reason: 'cancelled', jobRuns: [{ reason: 'cancelled' }] });
  expect(triesOf(stack, id, 'a')).toEqual([]);
});

fault('15, 20', 'while Temporal is down: it is carried out once it is up', async (clock) => {
  const id = await startStoppable('temporal-down', { cleanUpMs: 100 });
  await stack.temporal.kill();
  expect(await cancel(id)).toMatchObject({ id, cancelRequest: { note: 'a test' } });
  await stack.temporal.start();
  clock.over();
  await untilShown(stack, clock, id, isEnded, cancelGraceMs + endsWithinMs);
  await untilIdle(stack);
  await expectSound(stack, clock);
  await expectCancelled(id);
});

fault('15, 20', 'a run that was made and cancelled while Temporal is down', async (clock) => {
  await stack.push({ project: 'never-started', jobs: { a: { kind: 'count' } } });
  await stack.temporal.kill();
  const id = await stack.start('never-started');
  await cancel(id);
  await stack.temporal.start();
  clock.over();
  const run = await untilShown(stack, clock, id, isEnded, cancelGraceMs + endsWithinMs);
  await untilIdle(stack);
  await expectSound(stack, clock);
  // It may have been started, and done, before Temporal was told of the cancel.
  expect(['SUCCESS', 'FAILED/cancelled']).toContain([run.state, run.reason].filter(Boolean).join('/'));
});

/** Ever later moments at the end of a run, whose last job is `held`. */
const moments: readonly ((id: string) => Promise<unknown>)[] = [
  async () => {},
  (id) =>
    until(() => latches.journal().find((entry) => entry.event === 'done' && isHeld(entry, id)), 'it is done'),
  (id) => untilJobIs(stack, id, 'held', 'SUCCESS'),
];

function isHeld(entry: { readonly job: string; readonly graphRunId: string | null }, id: string): boolean {
  return entry.job === 'held' && entry.graphRunId === id;
}

fault('20', 'sent right at the end of runs: each ends once, in one way or the other', async (clock) => {
  for (let round = 0; round < 12; round += 1) {
    const project = `at-the-end-${round}`;
    await stack.push({ project, jobs: { held: { kind: 'count', config: { latch: project } } } });
    const id = await stack.start(project);
    await untilBegun(stack, id, 'held');
    latches.open(project);
    await moments[round % moments.length]?.(id);
    await cancel(id).catch((error: unknown) => expect(error).toMatchObject({ code: 'RUN_HAS_ENDED' }));
  }
  clock.over();
  await expectSound(stack, clock);
  for (const id of stack.runs) {
    const { state, reason } = await stack.client.graphRuns.get(id);
    expect(['SUCCESS', 'FAILED/cancelled']).toContain([state, reason].filter(Boolean).join('/'));
  }
});
