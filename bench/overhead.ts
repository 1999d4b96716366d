// Graphrun against bare Temporal: the same graph, on the same servers, in the same worker process. Both are in this file,
// so that one can see that the comparison is fair; the workflow's part of it is bundled for the worker, so it imports
// nothing that does I/O.
import { proxyActivities } from '@temporalio/workflow';
import { limits } from '../graph/limits.ts';
import type { BareActivities } from './kinds.ts';
import { jobsOf, type Shape } from './shapes.ts';
import type { Stack } from './stack.ts';
import type { Usage } from './usage.ts';

export interface BareInput {
  readonly parents: readonly (readonly number[])[];
  readonly jobsInFlightMax: number;
}

const { noop } = proxyActivities<BareActivities>({ startToCloseTimeout: '1 minute' });

/** What one would write for a graph without Graphrun: a job starts as soon as its parents are done. Writes nothing. */
export async function bareGraph({ parents, jobsInFlightMax }: BareInput): Promise<void> {
  const children: number[][] = parents.map(() => []);
  const open = parents.map((above) => above.length);
  parents.forEach((above, job) => {
    for (const parent of above) children[parent]?.push(job);
  });
  const ready = open.flatMap((count, job) => (count === 0 ? [job] : []));
  let started = 0;
  let ended = 0;
  await new Promise<void>((resolve, reject) => {
    const startReady = (): void => {
      while (started < ready.length && started - ended < jobsInFlightMax) {
        const job = ready[started] ?? 0;
        started += 1;
        noop(job).then(() => end(job), reject);
      }
    };
    const end = (job: number): void => {
      ended += 1;
      for (const child of children[job] ?? []) {
        const left = (open[child] ?? 0) - 1;
        open[child] = left;
        if (left === 0) ready.push(child);
      }
      if (ended === parents.length) resolve();
      else startReady();
    };
    startReady();
  });
}

export interface Sample {
  /** GraphRun: from the POST sent to the commit of the end's row. Bare: from the client's start to its result. */
  readonly ms: number;
  /** Until the client has the workflows' results; of a GraphRun they come after the commit. */
  readonly resultMs: number;
  readonly historyEvents: number;
  readonly usage: Usage;
}

export interface Pair {
  readonly bare: Sample;
  readonly graphRun: Sample;
}

/** Let what a run leaves to do (answers, persistence, garbage) end, so that the next does not pay for it. */
const restMs = 250;
/** Each way: a process that has run less is still compiling its code. */
const warmUpJobs = 300;

/** Runs a shape both ways, in turns that begin with one or the other alternately, after a warm-up of each. */
export async function measurePairs(
  stack: Stack,
  shape: Shape,
  options: { readonly pairs: number; readonly onPair: (pair: Pair, index: number) => void },
): Promise<Pair[]> {
  const bare = () => rested(() => runBare(stack, shape));
  const graphRun = () => rested(() => runGraphRuns(stack, shape));
  for (let round = 0; round < warmUpJobs / jobsOf(shape); round += 1) {
    await runBare(stack, shape);
    await runGraphRuns(stack, shape);
  }
  const pairs: Pair[] = [];
  for (let index = 0; index < options.pairs; index += 1) {
    const pair =
      index % 2 === 0
        ? { bare: await bare(), graphRun: await graphRun() }
        : { graphRun: await graphRun(), bare: await bare() };
    pairs.push(pair);
    options.onPair(pair, index);
  }
  return pairs;
}

export async function runBare(stack: Stack, shape: Shape): Promise<Sample> {
  const input = { parents: shape.parents, jobsInFlightMax: limits.jobsInFlightDefault };
  return sample(stack, shape, async () => {
    const workflowId = `bare/${crypto.randomUUID()}`;
    const options = { taskQueue: stack.bareTaskQueue, workflowId, args: [input] as [BareInput] };
    await stack.client.workflow.execute(bareGraph, options);
    return { workflowId };
  });
}

async function runGraphRuns(stack: Stack, shape: Shape): Promise<Sample> {
  return sample(stack, shape, async (index) => {
    const { id, workflowId } = await stack.api.graphRuns.start(stack.projectOf(shape, index));
    await stack.client.workflow.getHandle(workflowId).result();
    return { workflowId, graphRunId: id };
  });
}

interface Ended {
  readonly workflowId: string;
  readonly graphRunId?: string;
}

async function sample(stack: Stack, shape: Shape, run: (index: number) => Promise<Ended>): Promise<Sample> {
  const before = await stack.usage();
  const startedAt = Date.now();
  const ended = await Promise.all(Array.from({ length: shape.runs }, (_, index) => run(index)));
  const resultMs = Date.now() - startedAt;
  const usage = (await stack.usage()).since(before);
  // Asked for afterwards: looking at the row while the run goes on would cost what is measured.
  const graphRunIds = ended.flatMap(({ graphRunId }) => graphRunId ?? []);
  const endedAt = graphRunIds.length > 0 ? await stack.committedAt(graphRunIds) : startedAt + resultMs;
  const histories = await Promise.all(
    ended.map(({ workflowId }) => stack.client.workflow.getHandle(workflowId).describe()),
  );
  const historyEvents = histories.reduce((sum, { historyLength }) => sum + historyLength, 0);
  return { ms: endedAt - startedAt, resultMs, historyEvents, usage };
}

async function rested(run: () => Promise<Sample>): Promise<Sample> {
  const measured = await run();
  await new Promise((resolve) => setTimeout(resolve, restMs));
  return measured;
}
