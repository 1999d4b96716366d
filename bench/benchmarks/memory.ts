import { type Benchmark, readCount, WrongUse } from '../benchmark.ts';
import { describeEnvironment } from '../environment.ts';
import { growthOf, isShown, type MemorySample, renderMemory } from '../memory.ts';
import { settings } from '../settings.ts';
import { jobsOf, layersShape } from '../shapes.ts';
import { withStack } from '../stack.ts';

const jobsPerRun = jobsOf(layersShape);

export const memory: Benchmark = {
  name: 'memory',
  title: "the worker's memory over many jobs",
  options: [
    { name: 'jobs', placeholder: 'N', meaning: `jobs, in runs of ${jobsPerRun}`, byDefault: '50000' },
  ],
  run: async (option, note) => {
    const runs = Math.ceil(readCount(option, 'jobs', 100_000_000) / jobsPerRun);
    if (runs < 4) throw new WrongUse(`--jobs is "${option('jobs')}"; expected at least ${4 * jobsPerRun}`);
    return withStack({ note, workerArgs: ['--expose-gc'] }, async (stack) => {
      const environment = describeEnvironment(stack.versions, describeSettings(runs));
      await stack.push(layersShape);
      const samples: MemorySample[] = [];
      for (let run = 1; run <= runs; run += 1) {
        const { workflowId } = await stack.api.graphRuns.start(stack.projectOf(layersShape, 0));
        await stack.client.workflow.getHandle(workflowId).result();
        const sample = { jobs: run * jobsPerRun, ...(await stack.workerMemory()) };
        samples.push(sample);
        if (isShown(sample)) note(`${sample.jobs} jobs: RSS ${(sample.rss / 2 ** 20).toFixed(1)} MiB`);
      }
      const growth = growthOf(samples);
      return {
        text: renderMemory(environment, samples, growth),
        data: { environment, growth, samples },
      };
    });
  },
};

function describeSettings(runs: number): string {
  return `${runs} runs of ${layersShape.title}, one after the other; read after each, in the worker's process, after a garbage collection; ${settings.jobsAtOnce} jobs at once in the worker`;
}
