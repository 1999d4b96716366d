// What Temporal itself is told to do to a run, and how long it takes until the API shows it.
import { setTimeout as pause } from 'node:timers/promises';
import type { GraphRunDetail, GraphRunView, Client as GraphrunClient } from '../client/index.ts';
import { isFinal } from '../graph/states.ts';
import { workflowTypes } from '../workflows/contract.ts';
import type { Note } from './benchmark.ts';
import { endlessKind } from './kinds.ts';
import { pushGraph } from './push-graph.ts';
import { settings } from './settings.ts';
import type { Stack } from './stack.ts';

export const outsideActions = ['terminate', 'cancel', 'reset', 'delete', 'start'] as const;
export type OutsideAction = (typeof outsideActions)[number];

export interface OutsideSample {
  readonly action: OutsideAction;
  /** From the action's return to the end of the first request that showed it. */
  readonly ms: number;
}

const pollMs = 10;
const shownWithinMs = 60_000;
/** The watch looks once a second: without a pause, each action would fall on the same moment of its turn. */
const turnMs = 1_000;
const namespace = 'default';

/** Does each action in turn, each to a run of its own whose job works until it is stopped. */
export async function measureOutside(stack: Stack, runs: number, note: Note): Promise<OutsideSample[]> {
  const samples: OutsideSample[] = [];
  for (let index = 0; index < runs; index += 1) {
    const action = outsideActions[index % outsideActions.length] ?? 'terminate';
    const project = `outside-${index}`;
    await pushGraph(stack.api, project, [[]], () => endlessKind.kind);
    const ms = await (action === 'start'
      ? measureStart(stack, project)
      : measureChange(stack, project, action));
    samples.push({ action, ms });
    note(`${index + 1}/${runs} ${action}: shown after ${ms.toFixed(0)} ms`);
  }
  return samples;
}

async function measureChange(
  stack: Stack,
  project: string,
  action: Exclude<OutsideAction, 'start'>,
): Promise<number> {
  const { id, workflowId } = await stack.api.graphRuns.start(project);
  const get = () => stack.api.graphRuns.get(id);
  const working = await until(get, isWorking, `run ${id} works`);
  const runId = working.tasks[0]?.runId ?? '';
  await pause(Math.random() * turnMs);
  await act(stack, { workflowId, runId }, action);
  const ms = await timeUntil(get, (run) => showsIt[action](run, working), `run ${id} shows the ${action}`);
  if (action === 'reset') {
    await until(get, isWorking, `run ${id} works again`);
    await endRun(stack, get, workflowId);
  }
  return ms;
}

/** A workflow that is started without the API: its run is to be in the project's list. */
async function measureStart(stack: Stack, project: string): Promise<number> {
  const { taskQueue } = settings;
  const workflowId = `from-outside/${project}`;
  const list = async () => (await stack.api.graphRuns.list({ project })).items;
  await stack.client.workflow.start(workflowTypes.graphRun, { taskQueue, workflowId, args: [{ project }] });
  const ms = await timeUntil(list, ({ length }) => length > 0, `project ${project} shows its run`);
  const [run] = await list();
  const get = () => stack.api.graphRuns.get(run?.id ?? '');
  await until(get, isWorking, `the run of ${project} works`);
  await endRun(stack, get, workflowId);
  return ms;
}

async function act(
  { client }: Stack,
  workflowExecution: { readonly workflowId: string; readonly runId: string },
  action: Exclude<OutsideAction, 'start'>,
): Promise<void> {
  const handle = client.workflow.getHandle(workflowExecution.workflowId);
  if (action === 'terminate') {
    await handle.terminate('benchmark');
  } else if (action === 'cancel') {
    await handle.cancel();
  } else if (action === 'delete') {
    await client.workflowService.deleteWorkflowExecution({ namespace, workflowExecution });
  } else {
    const { events } = await handle.fetchHistory();
    const first = events?.find((event) => event.workflowTaskCompletedEventAttributes);
    await client.workflowService.resetWorkflowExecution({
      ...{ namespace, workflowExecution, requestId: crypto.randomUUID(), reason: 'benchmark' },
      workflowTaskFinishEventId: first?.eventId ?? null,
    });
  }
}

/** When nothing of the run is left as it was before. */
const showsIt = {
  terminate: (run) => hasEndedAs(run, 'terminated'),
  cancel: (run) => hasEndedAs(run, 'cancelled'),
  // Temporal terminates it first, and who looks in time sees that.
  delete: (run) => hasEndedAs(run, 'lost') || hasEndedAs(run, 'terminated'),
  reset: (run, before) => run.epoch > before.epoch,
} as const satisfies Record<
  Exclude<OutsideAction, 'start'>,
  (run: GraphRunDetail, before: GraphRunDetail) => boolean
>;

function hasEndedAs({ state, reason, jobRuns }: GraphRunDetail, wanted: GraphRunView['reason']): boolean {
  return state === 'FAILED' && reason === wanted && jobRuns.every((job) => isFinal(job.state));
}

function isWorking({ jobRuns }: GraphRunDetail): boolean {
  return jobRuns.every(({ state }) => state === 'RUNNING');
}

async function endRun(
  { client }: Stack,
  get: () => ReturnType<GraphrunClient['graphRuns']['get']>,
  workflowId: string,
): Promise<void> {
  await client.workflow.getHandle(workflowId).terminate('benchmark');
  await until(get, ({ state }) => isFinal(state), 'what is left over has ended');
}

/** In milliseconds from now. */
async function timeUntil<Answer>(
  ask: () => Promise<Answer>,
  holds: (answer: Answer) => boolean,
  condition: string,
): Promise<number> {
  const begun = performance.now();
  await until(ask, holds, condition);
  return performance.now() - begun;
}

/** @throws Error that names the condition, when it does not come to hold. */
async function until<Answer>(
  ask: () => Promise<Answer>,
  holds: (answer: Answer) => boolean,
  condition: string,
): Promise<Answer> {
  const deadline = performance.now() + shownWithinMs;
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    if (performance.now() > deadline) throw new Error(`not within ${shownWithinMs} ms: ${condition}`);
    await pause(pollMs);
  }
}
