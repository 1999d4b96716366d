// Graphs at the limit of their size: wide, a chain, and the resume of one that lacks its last layer.
import type { Note } from './benchmark.ts';
import { resumedKind } from './kinds.ts';
import { runBare } from './overhead.ts';
import { pushGraph } from './push-graph.ts';
import { chain, layers, type Shape } from './shapes.ts';
import type { Stack } from './stack.ts';

export interface LargeSizes {
  /** Layers of so many jobs, ten of them. */
  readonly width: number;
  readonly chain: number;
}

export interface LargeRun {
  readonly jobs: number;
  /** From the POST sent to the commit of the end's row. */
  readonly ms: number;
  /** Of each execution that carried it out. */
  readonly histories: readonly number[];
  readonly peakRss: number;
}

export interface LargeResults {
  /** A tenth of the jobs in one bare run each, one after the other. */
  readonly bareMs: readonly number[];
  readonly wide: LargeRun;
  readonly chain: LargeRun;
  /** Of a run of the wide shape whose last layer had failed, and of that layer alone. */
  readonly resume: LargeRun;
  readonly layerAlone: LargeRun;
}

const depth = 10;

export async function measureLarge(stack: Stack, sizes: LargeSizes, note: Note): Promise<LargeResults> {
  const { width } = sizes;
  const tenth: Shape = { ...shapeOf(layers(depth, width / depth)), name: 'tenth' };
  await stack.push(tenth);
  const wide = layers(depth, width);
  const isLast = (job: number) => job >= (depth - 1) * width;
  await pushGraph(stack.api, 'wide', wide);
  await pushGraph(stack.api, 'chain', chain(sizes.chain));
  await pushGraph(stack.api, 'layer', layers(1, width));
  await pushGraph(stack.api, 'resumed', wide, (job) => (isLast(job) ? resumedKind.kind : 'noop'));
  const measure = async (project: string): Promise<LargeRun> => {
    const run = await measureRun(stack, async () => (await stack.api.graphRuns.start(project)).id);
    note(`${project}: ${run.jobs} jobs in ${(run.ms / 1_000).toFixed(1)} s`);
    return run;
  };
  await measure('layer');
  const bareMs: number[] = [];
  const bare = async (): Promise<void> => {
    bareMs.push((await runBare(stack, tenth)).ms);
    note(`bare ${bareMs.length}/${depth}: ${bareMs.at(-1)} ms`);
  };
  // On either side of what they are compared with: the machine may be slower for a while.
  while (bareMs.length < depth / 2) await bare();
  const measured = await measure('wide');
  while (bareMs.length < depth) await bare();
  const layerAlone = await measure('layer');
  const resume = await measureResume(stack, 'resumed', note);
  return { bareMs, wide: measured, layerAlone, resume, chain: await measure('chain') };
}

async function measureResume(stack: Stack, project: string, note: Note): Promise<LargeRun> {
  const { id } = await stack.api.graphRuns.start(project);
  await endOf(stack, id);
  const run = await measureRun(stack, async () => (await stack.api.graphRuns.resume(id)).id);
  note(`resumed: in ${(run.ms / 1_000).toFixed(1)} s`);
  return run;
}

async function measureRun(stack: Stack, begin: () => Promise<string>): Promise<LargeRun> {
  const peak = watchMemory(stack);
  const startedAt = Date.now();
  const id = await begin();
  await endOf(stack, id);
  const peakRss = await peak.stop();
  const endedAt = await stack.committedAt([id]);
  const { epoch, jobRuns, tasks } = await stack.api.graphRuns.get(id);
  const histories = await Promise.all(
    tasks
      .filter((task) => task.epoch === epoch)
      .map(async ({ workflowId, runId }) => {
        return (await stack.client.workflow.getHandle(workflowId, runId).describe()).historyLength;
      }),
  );
  const jobs = jobRuns.filter((job) => job.epoch === epoch).length;
  return { jobs, ms: endedAt - startedAt, histories, peakRss };
}

/** Its workflow's result: reading the rows of 10,000 jobs meanwhile would cost what is measured. */
async function endOf(stack: Stack, id: string): Promise<void> {
  const { items } = await stack.api.graphRuns.list({ limit: 1 });
  const run = items.find((item) => item.id === id) ?? (await stack.api.graphRuns.get(id));
  await stack.client.workflow
    .getHandle(run.workflowId)
    .result()
    .catch(() => {});
}

const memoryEveryMs = 250;

function watchMemory(stack: Stack): { stop(): Promise<number> } {
  let peak = 0;
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      peak = Math.max(peak, (await stack.workerMemory()).rss);
      await new Promise((resolve) => setTimeout(resolve, memoryEveryMs));
    }
  })();
  return {
    stop: async () => {
      isOver = true;
      await watching;
      return peak;
    },
  };
}

function shapeOf(parents: Shape['parents']): Omit<Shape, 'name'> {
  return { title: '', parents, runs: 1, ratioWanted: wantedRatio, transactionsWanted: null };
}

export const wantedRatio = 1.3;
export const wantedRssMib = 512;
export const wantedResumeMs = 10_000;
