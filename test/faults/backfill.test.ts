// A backfill, while workers and whoever makes its runs are killed, and while it is cancelled and resumed.
import { expect } from 'vitest';
import { type BackfillView, isPassing } from '../../client/index.ts';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { readEffects } from './support/find-faults.ts';
import { createRandom } from './support/random.ts';

const stack = await useFaultStack({ workers: 3 });
const atOnce = 5;
const hourMs = 3_600_000;
const from = Date.parse('2026-01-01T00:00:00Z');

/** A schedule that does not fire, and a graph whose last job has an effect, one run after the other. */
async function startBackfill(project: string, slots: number): Promise<string> {
  const retry = { maximumAttempts: 9, initialInterval: '10ms' };
  await stack.client.pools.put('effects', { slots: 1 });
  await stack.push({
    project,
    maxOpenRuns: 50,
    jobs: {
      work: { kind: 'step', config: { ms: 300 }, retry },
      effect: { kind: 'count', config: { ms: 20 }, dependsOn: ['work'], pools: { effects: 1 }, retry },
    },
  });
  const schedule = { name: 'hourly', cron: '@hourly', timezone: 'UTC', paused: true };
  await stack.client.schedules.create(project, schedule);
  const to = new Date(from + (slots - 1) * hourMs).toISOString();
  const window = { from: new Date(from).toISOString(), to };
  const { id, counts } = await stack.client.backfills.start(project, 'hourly', { ...window, atOnce });
  expect(counts).toMatchObject({ total: slots, left: slots });
  return id;
}

const untilIs = (id: string, what: string, is: (backfill: BackfillView) => boolean, withinMs = 60_000) =>
  until(
    async () => {
      // What a kill leaves may hold up an answer; it is asked again.
      const backfill = await stack.client.backfills.get(id).catch((error: unknown) => {
        if (!isPassing(error)) throw error;
      });
      return backfill && is(backfill) ? backfill : undefined;
    },
    what,
    withinMs,
  );
const untilDone = (id: string, count: number) =>
  untilIs(id, `${count} runs have succeeded`, ({ counts }) => counts.success >= count);

/** Until whoever makes runs has looked once more, and ended its turn. */
async function untilTurn(): Promise<void> {
  const endOf = async () => (await stack.sql<{ at: Date }>('SELECT turn_ended_at AS at FROM watch'))[0]?.at;
  const before = await endOf();
  await until(
    async () => ((await endOf())?.getTime() === before?.getTime() ? undefined : true),
    'the watch has ended a turn',
  );
}

async function killOne(): Promise<void> {
  const random = createRandom();
  console.info(`FAULT_SEED=${random.seed}`);
  const running = stack.workers.filter(({ isRunning }) => isRunning);
  const worker = running[random.below(running.length)];
  await worker?.kill();
  await worker?.start();
}

/** Each time has one run that has succeeded and one effect, and so many were open at most, as the feed tells in its order. */
async function expectOnceEach(id: string, project: string, slots: number): Promise<void> {
  const runs = await stack.sql<{ hour: number; state: string; is_slot: boolean }>(
    `SELECT (extract(epoch FROM scheduled_at) * 1000 - $2)::float8 / ${hourMs} AS hour, state, is_slot
     FROM graph_run WHERE backfill_id = $1 ORDER BY scheduled_at`,
    [id, from],
  );
  expect(runs).toEqual(
    Array.from({ length: slots }, (_, hour) => ({ hour, state: 'SUCCESS', is_slot: true })),
  );
  expect(await readEffects(stack, project, 'effect')).toHaveLength(slots);
  const events = await stack.sql<{ run: string; is_open: boolean }>(
    `SELECT graph_run_id AS run, state IN ('PENDING', 'RUNNING') AS is_open FROM event
     WHERE type = 'graph_run' AND project = $1 ORDER BY number`,
    [project],
  );
  const open = new Set<string>();
  let most = 0;
  for (const { run, is_open: isOpen } of events) {
    if (isOpen) open.add(run);
    else open.delete(run);
    most = Math.max(most, open.size);
  }
  expect(most).toBe(atOnce);
}

async function addRuns(id: string): Promise<void> {
  const runs = await stack.sql<{ id: string }>('SELECT id FROM graph_run WHERE backfill_id = $1', [id]);
  stack.runs.push(...runs.map((run) => run.id));
}

fault(
  '1',
  `a backfill of 50 slots, ${atOnce} at once, with killed workers, cancelled and resumed`,
  async (clock) => {
    const project = 'backfill-steered';
    const id = await startBackfill(project, 50);
    await untilDone(id, 8);
    await killOne();
    await untilDone(id, 16);
    const cancelled = await stack.client.backfills.cancel(id, { running: true, note: 'by the test' });
    expect(cancelled).toMatchObject({ state: 'FAILED', reason: 'cancelled', stop: { note: 'by the test' } });
    const stopped = await untilIs(id, 'none is open', ({ counts }) => counts.open === 0);
    expect(stopped.counts.cancelled).toBeGreaterThan(0);
    const made = 50 - cancelled.counts.left;
    await untilTurn();
    await untilTurn();
    await addRuns(id);
    expect(stack.runs).toHaveLength(made);
    stack.runs.length = 0;
    await stack.client.backfills.resume(id);
    await untilDone(id, made);
    await killOne();
    clock.over();
    const ended = await untilIs(id, 'it has ended', ({ completedAt }) => completedAt !== null);
    expect(ended).toMatchObject({
      state: 'SUCCESS',
      counts: { total: 50, success: 50, skipped: 0, failed: 0, cancelled: 0, open: 0, left: 0 },
    });
    await addRuns(id);
    await expectSound(stack, clock, 60_000);
    await expectOnceEach(id, project, 50);
  },
);

fault('1', 'a backfill goes on where it was when all processes of ours were killed', async (clock) => {
  const project = 'backfill-restarted';
  const id = await startBackfill(project, 15);
  await untilDone(id, 3);
  const ours = [stack.api, ...stack.workers];
  await Promise.all(ours.map((each) => each.kill()));
  await Promise.all(ours.map((each) => each.start()));
  clock.over();
  const ended = await untilIs(id, 'it has ended', ({ completedAt }) => completedAt !== null);
  expect(ended).toMatchObject({ state: 'SUCCESS', counts: { success: 15 } });
  await addRuns(id);
  await expectSound(stack, clock, 60_000);
  await expectOnceEach(id, project, 15);
});

fault('8, 14', 'a backfill goes on when Postgres, and then Temporal, was killed beside it', async (clock) => {
  const project = 'backfill-outage';
  const id = await startBackfill(project, 20);
  await untilDone(id, 4);
  await stack.postgres.kill();
  await stack.postgres.start();
  await untilDone(id, 10);
  await stack.temporal.kill();
  await stack.temporal.start();
  clock.over();
  const ended = await untilIs(id, 'it has ended', ({ completedAt }) => completedAt !== null, 90_000);
  expect(ended).toMatchObject({ state: 'SUCCESS', counts: { success: 20 } });
  await addRuns(id);
  await expectSound(stack, clock, 60_000);
  await expectOnceEach(id, project, 20);
});
