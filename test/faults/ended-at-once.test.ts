// Runs that are ended with Temporal's own command line in the moment in which they end, or begin, by themselves.
import { expect } from 'vitest';
import { graphRunWorkflowId } from '../../workflows/contract.ts';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { rowOf, untilBlocked, untilJobIs, untilPublished, whileLocked } from './support/observe.ts';
import { temporalFor } from './support/temporal-cli.ts';
import { hasEnded, letWatch, untilBegun, untilIdle, untilShown } from './support/wait-for.ts';

const stack = await useFaultStack();
const { latches } = stack;

/** Another job at the end, whose latch opens at once with whatever is done to the run. */
async function pushLast(project: string): Promise<void> {
  await stack.push({
    project,
    jobs: {
      before: { kind: 'count' },
      last: { kind: 'count', config: { latch: project, heedless: true }, dependsOn: ['before'] },
    },
  });
}

async function startLast(project: string): Promise<string> {
  await pushLast(project);
  const id = await stack.start(project);
  await untilBegun(stack, id, 'last');
  return id;
}

/** Locks the row of a run: its end cannot be recorded. */
const runRow = (id: string) => ({
  sql: 'SELECT FROM graph_run WHERE id = $1 FOR NO KEY UPDATE',
  values: [id],
});

async function statusOf(graphRunId: string): Promise<string> {
  const { status } = await stack.temporalClient.workflow
    .getHandle(graphRunWorkflowId(graphRunId, 1))
    .describe();
  return status.name;
}

const commands = ['terminate', 'cancel'] as const;
const rows = { terminate: '19', cancel: '20' } as const;
const reasons = { terminate: 'terminated', cancel: 'cancelled' } as const;

for (const command of commands) {
  fault(
    rows[command],
    `${command} before the last job's end is recorded, which it has published`,
    async (clock) => {
      const id = await startLast(`${command}-untold`);
      await whileLocked(stack, rowOf(id, 'last'), async () => {
        latches.open(`${command}-untold`);
        await untilPublished(stack, id, 'last');
        await temporalFor(stack, `workflow ${command}`, id);
        clock.over();
      });
      const run = await untilShown(stack, clock, id, hasEnded, 15_000);
      await untilIdle(stack);
      await expectSound(stack, clock);
      expect(run).toMatchObject({ state: 'FAILED', reason: reasons[command] });
      await untilJobIs(stack, id, 'last', 'SUCCESS');
    },
  );

  fault(
    rows[command],
    `${command} after the last job's end was recorded, before that of its run`,
    async (clock) => {
      const id = await startLast(`${command}-told`);
      await whileLocked(stack, runRow(id), async () => {
        latches.open(`${command}-told`);
        await untilBlocked(stack, 'graph_run');
        await untilJobIs(stack, id, 'last', 'SUCCESS');
        await temporalFor(stack, `workflow ${command}`, id);
        clock.over();
      });
      const run = await untilShown(stack, clock, id, hasEnded);
      await untilIdle(stack);
      await expectSound(stack, clock);
      await untilJobIs(stack, id, 'last', 'SUCCESS');
      // Who asked first for its row's end has it; Temporal knows of no job that failed.
      expect([reasons[command], null]).toContain(run.reason);
    },
  );

  fault(rows[command], `${command} at once with the last job's end`, async (clock) => {
    const projects = Array.from({ length: 6 }, (_, index) => `${command}-at-once-${index}`);
    const ids = await Promise.all(projects.map(startLast));
    await Promise.all(
      ids.map(async (id, index) => {
        latches.open(projects[index] ?? '');
        // The command line takes some time to start; without it the job's end is less often the first.
        const handle = stack.temporalClient.workflow.getHandle(graphRunWorkflowId(id, 1));
        const ending = index % 2 === 0 ? handle[command]() : temporalFor(stack, `workflow ${command}`, id);
        await ending.catch(() => {});
      }),
    );
    clock.over();
    const runs = await Promise.all(ids.map((id) => untilShown(stack, clock, id, hasEnded, 15_000)));
    await untilIdle(stack);
    await expectSound(stack, clock);
    for (const { reason } of runs) expect([reasons[command], null]).toContain(reason);
  });

  fault(rows[command], `${command} right after a run was asked for`, async (clock) => {
    const project = `${command}-begun`;
    await pushLast(project);
    latches.open(project);
    const ids: string[] = [];
    for (let index = 0; index < 6; index += 1) {
      const id = await stack.start(project);
      ids.push(id);
      await stack.temporalClient.workflow
        .getHandle(graphRunWorkflowId(id, 1))
        [command]()
        .catch(() => {});
      await until(async () => ((await statusOf(id)) === 'RUNNING' ? undefined : true), 'it is over');
    }
    clock.over();
    for (const id of ids) await untilShown(stack, clock, id, hasEnded);
    await untilIdle(stack);
    await expectSound(stack, clock);
    for (const id of ids)
      expect([reasons[command], null]).toContain((await stack.client.graphRuns.get(id)).reason);
  });
}

fault('3, 19', 'terminated right after a run was asked for, with no worker to open it', async (clock) => {
  await letWatch(stack, 'api');
  await pushLast('unopened');
  latches.open('unopened');
  await Promise.all(stack.workers.map((worker) => worker.kill()));
  const id = await stack.start('unopened');
  await temporalFor(stack, 'workflow terminate', id);
  clock.over();
  const run = await untilShown(stack, clock, id, hasEnded);
  await Promise.all(stack.workers.map((worker) => worker.start()));
  await expectSound(stack, clock);
  expect(run).toMatchObject({ state: 'FAILED', reason: 'terminated', tasks: [{ epoch: 1 }] });
  expect(run.jobRuns.map(({ attempts }) => attempts)).toEqual([0, 0]);
});
