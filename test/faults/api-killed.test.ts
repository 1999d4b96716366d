// An API that is killed around the start of a run: whoever watches starts it, and it can never run twice.
import { expect } from 'vitest';
import { graphRunWorkflowId } from '../../workflows/contract.ts';
import { type TcpProxy, useTcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { type FaultClock, fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { attemptsOf } from './support/observe.ts';
import { letWatch } from './support/wait-for.ts';

let temporal: TcpProxy | undefined;
const stack = await useFaultStack({
  apiEnv: async ({ temporalAddress }) => {
    temporal = await useTcpProxy(`tcp://${temporalAddress}`);
    return { TEMPORAL_ADDRESS: new URL(temporal.url).host };
  },
});

const startedWithinMs = 10_000;

/** In the request that starts a workflow, and in no other. */
const startMark = '"graphRunId"';

/** Triggers a run, and kills the API where its start has come so far. The caller has no answer then. */
async function killAtStart(project: string, options: { readonly sent: boolean }) {
  await stack.push({ project, jobs: { a: { kind: 'count' }, b: { kind: 'count', dependsOn: ['a'] } } });
  const held = temporal?.holdAt(startMark, options);
  const idempotencyKey = `key-of-${project}`;
  const trigger = () => stack.client.graphRuns.start(project, { idempotencyKey });
  const unanswered = trigger().then(
    () => 'answered',
    () => 'unanswered',
  );
  await held;
  await stack.api.kill();
  expect(await unanswered).toBe('unanswered');
  const rows = await stack.sql<{ id: string }>('SELECT id FROM graph_run WHERE project_name = $1', [project]);
  expect(rows).toHaveLength(1);
  const id = rows[0]?.id ?? '';
  stack.runs.push(id);
  return { id, trigger };
}

/** Waits until Temporal has the run's workflow. */
async function untilStarted(id: string, withinMs = startedWithinMs): Promise<void> {
  const handle = stack.temporalClient.workflow.getHandle(graphRunWorkflowId(id, 1));
  const find = () =>
    handle.describe().then(
      () => true,
      () => undefined,
    );
  await until(find, 'the workflow is started', withinMs);
}

async function expectOneRun(clock: FaultClock, id: string, trigger: () => Promise<{ id: string }>) {
  await stack.api.start();
  // A repeat is told of the run that is there.
  expect((await trigger()).id).toBe(id);
  await expectSound(stack, clock);
  expect(await attemptsOf(stack, id, 'a')).toEqual(['SUCCESS']);
  expect(await attemptsOf(stack, id, 'b')).toEqual(['SUCCESS']);
}

fault('4', 'the API killed between its row and its start, while a worker watches', async (clock) => {
  await letWatch(stack, 'worker');
  const { id, trigger } = await killAtStart('worker-watches', { sent: false });
  clock.over();
  await untilStarted(id);
  clock.right();
  await expectOneRun(clock, id, trigger);
});

fault('4', 'the API killed between its row and its start, with the watch', async (clock) => {
  await letWatch(stack, 'api');
  const { id, trigger } = await killAtStart('api-watched', { sent: false });
  clock.over();
  await untilStarted(id);
  clock.right();
  await expectOneRun(clock, id, trigger);
});

fault(
  '4',
  'the API killed between its row and its start, with no worker up, and started again',
  async (clock) => {
    await letWatch(stack, 'api');
    await Promise.all(stack.workers.map((worker) => worker.kill()));
    const { id, trigger } = await killAtStart('api-alone', { sent: false });
    clock.over();
    await stack.api.start();
    await untilStarted(id);
    clock.right();
    await Promise.all(stack.workers.map((worker) => worker.start()));
    await expectOneRun(clock, id, trigger);
  },
);

fault('4', 'the API killed after its start was sent, before its answer', async (clock) => {
  await letWatch(stack, 'worker');
  const { id, trigger } = await killAtStart('start-sent', { sent: true });
  clock.over();
  await untilStarted(id);
  await expectOneRun(clock, id, trigger);
});
