// A worker that stands still past its heartbeat and then goes on, as one whose machine was suspended does.
import { expect } from 'vitest';
import { withClient } from '../../dev/databases.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import type { FaultProcess } from './support/fault-process.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { attemptsOf, untilBlocked, untilJobIs, whileLocked } from './support/observe.ts';

const stack = await useFaultStack({ workers: 2 });
const { latches } = stack;

const lostWithinMs = 19_000;

function jobsWith(latch: string) {
  return {
    held: { kind: 'count', config: { latch } },
    after: { kind: 'count', dependsOn: ['held'] },
  };
}

fault('1', 'a worker frozen in a job, which goes on after another one has done the job', async (clock) => {
  await stack.push({ project: 'frozen', jobs: jobsWith('frozen') });
  const id = await stack.start('frozen');
  const worker = stack.workerWith(await latches.reached('frozen'));
  worker.freeze();
  clock.over();
  latches.open('frozen');
  await expectSound(stack, clock, lostWithinMs);
  await expectHarmless(worker);
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/lost', 'SUCCESS']);
});

fault('1', 'a worker frozen in a job, which goes on while another one does the job', async (clock) => {
  await stack.push({ project: 'frozen-beside', jobs: jobsWith('beside') });
  const id = await stack.start('frozen-beside');
  const worker = stack.workerWith(await latches.reached('beside'));
  worker.freeze();
  clock.over();
  await latches.reached('beside', 2, lostWithinMs);
  worker.thaw();
  latches.open('beside');
  await expectSound(stack, clock);
  expect(await attemptsOf(stack, id, 'held')).toEqual(['FAILED/lost', 'SUCCESS']);
});

fault('1', 'a worker frozen in the middle of a publish', async (clock) => {
  await stack.push({ project: 'frozen-publish', jobs: jobsWith('publish') });
  latches.open('publish');
  const first = await stack.start('frozen-publish');
  await untilJobIs(stack, first, 'after', 'SUCCESS');
  await stack.start('frozen-publish');
  const worker = await freezeInPublish();
  clock.over();
  await expectSound(stack, clock, lostWithinMs);
  await expectHarmless(worker);
});

fault('1', 'a worker frozen in the middle of a write of states holds up nobody for long', async (clock) => {
  await stack.push({
    project: 'frozen-write',
    jobs: {
      gate: { kind: 'step', config: { latch: 'write' } },
      bad: { kind: 'poison', dependsOn: ['gate'], retry: { maximumAttempts: 1 } },
      after: { kind: 'count', dependsOn: ['bad'] },
    },
  });
  await stack.push({ project: 'others', jobs: { a: { kind: 'count' } } });
  const id = await stack.start('frozen-write');
  await latches.reached('write');
  // An attempt's end is one statement. That of a run which settles jobs with it is a transaction of several.
  const runRow = { sql: 'SELECT FROM graph_run WHERE id = $1 FOR NO KEY UPDATE', values: [id] };
  const worker = await withClient(stack.databaseUrl, async (other) => {
    await whileLocked(stack, runRow, async () => {
      latches.open('write');
      await untilBlocked(stack, 'graph_run');
      await other.query('BEGIN');
      await other.query('SELECT FROM event_counter FOR UPDATE');
    });
    await untilBlocked(stack, 'event_counter');
    const { carrier } = await workersOf(id);
    carrier.freeze();
    await other.query('ROLLBACK');
    return carrier;
  });
  // Its transaction has the counter now, which every write of states needs.
  clock.over();
  const begun = performance.now();
  await stack.start('others');
  expect(performance.now() - begun).toBeLessThan(5_000);
  await expectSound(stack, clock, lostWithinMs);
  await expectHarmless(worker);
  expect(await stack.client.graphRuns.get(id)).toMatchObject({ state: 'FAILED', reason: 'job_failed' });
});

fault('1', 'a frozen worker that was given jobs begins none that others have done', async (clock) => {
  const many = Array.from({ length: 40 }, (_, job) => [
    `job_${job}`,
    { kind: 'step', config: { ms: 50 }, dependsOn: ['gate'], retry: { maximumAttempts: 10 } },
  ]);
  await stack.push({
    project: 'frozen-idle',
    jobs: { gate: { kind: 'step', config: { latch: 'idle' } }, ...Object.fromEntries(many) },
  });
  const id = await stack.start('frozen-idle');
  await latches.reached('idle');
  const { other: worker } = await workersOf(id);
  worker.freeze();
  clock.over();
  latches.open('idle');
  await expectSound(stack, clock, lostWithinMs + 10_000);
  const { events } = await stack.temporalClient.workflow.getHandle(`graph-run/${id}/1`).fetchHistory();
  const again = events?.filter((event) => (event.activityTaskStartedEventAttributes?.attempt ?? 1) > 1);
  expect(again?.length).toBeGreaterThan(0);
  await expectHarmless(worker);
});

/** Lets a frozen worker go on, and find out by itself what it has missed. */
async function expectHarmless(worker: FaultProcess): Promise<void> {
  worker.thaw();
  await worker.drain();
  await expectSound(stack, { over: () => {}, right: () => {} });
}

/**
 * Freezes the worker whose publish waits for a reader of the old table, and lets the reader go: the statement succeeds,
 * and its transaction stays open with all its locks. The wait is short, so that it may take several tries.
 */
async function freezeInPublish(): Promise<FaultProcess> {
  return withClient(stack.warehouseUrl, async (reader) => {
    for (;;) {
      await reader.query('BEGIN');
      await reader.query('SELECT FROM frozen_publish.held');
      await untilBlocked(stack);
      for (const worker of stack.workers) worker.freeze();
      await reader.query('ROLLBACK');
      const idle = await stack.warehouseSql<{ state: string }>(
        `SELECT state FROM pg_stat_activity WHERE datname = 'warehouse' AND application_name = 'graphrun warehouse'
           AND state LIKE 'idle in transaction%'`,
      );
      const owner = stack.workerWith(await latches.reached('publish'));
      for (const worker of stack.workers) if (worker !== owner) worker.thaw();
      if (idle.length === 1 && idle[0]?.state === 'idle in transaction') return owner;
      owner.thaw();
    }
  });
}

/** The worker that carries a run's workflow, and one that does not: jobs are what that is given. */
async function workersOf(
  graphRunId: string,
): Promise<{ readonly carrier: FaultProcess; readonly other: FaultProcess }> {
  const { events } = await stack.temporalClient.workflow
    .getHandle(`graph-run/${graphRunId}/1`)
    .fetchHistory();
  const carriers = events?.flatMap((event) => event.workflowTaskStartedEventAttributes?.identity ?? []);
  const isCarrier = ({ pid }: FaultProcess) => carriers?.at(-1)?.startsWith(`${pid}@`) ?? false;
  const carrier = stack.workers.find(isCarrier);
  const other = stack.workers.find((worker) => !isCarrier(worker));
  if (!carrier || !other)
    throw new Error('the workflow is carried by none of the workers, or by all of them');
  return { carrier, other };
}
