import { limits } from '../../graph/limits.ts';
import { type Benchmark, readCount, WrongUse } from '../benchmark.ts';
import { describeEnvironment } from '../environment.ts';
import { measurePairs, type Pair } from '../overhead.ts';
import { renderOverhead } from '../report.ts';
import { settings } from '../settings.ts';
import { type Shape, shapes } from '../shapes.ts';
import { withStack } from '../stack.ts';
import { summarize } from '../summary.ts';

const names = shapes.map(({ name }) => name);

export const overhead: Benchmark = {
  name: 'overhead',
  title: 'GraphRuns against bare Temporal workflows of the same shape, which write nothing',
  options: [
    {
      name: 'runs',
      placeholder: 'N',
      meaning: 'pairs to measure of each shape, after a warm-up',
      byDefault: '5',
    },
    { name: 'shapes', placeholder: 'A,B', meaning: 'shapes to measure', byDefault: names.join(',') },
  ],
  run: async (option, note) => {
    const pairs = readCount(option, 'runs');
    const chosen = option('shapes').split(',').map(findShape);
    return withStack({ note }, async (stack) => {
      const environment = describeEnvironment(stack.versions, describeSettings(pairs));
      const measured: { shape: Shape; pairs: Pair[] }[] = [];
      for (const shape of chosen) {
        await stack.push(shape);
        const onPair = ({ bare, graphRun }: Pair, index: number) =>
          note(
            `${shape.title} ${index + 1}/${pairs}: bare ${bare.ms} ms, GraphRun ${graphRun.ms.toFixed(0)} ms`,
          );
        measured.push({ shape, pairs: await measurePairs(stack, shape, { pairs, onPair }) });
      }
      const summaries = measured.map(({ shape, pairs: of }) => summarize(shape, of));
      const withPairs = summaries.map((summary, at) => ({ ...summary, pairs: measured[at]?.pairs ?? [] }));
      return {
        text: renderOverhead(environment, summaries),
        data: { environment, shapes: withPairs },
      };
    });
  },
};

function describeSettings(pairs: number): string {
  return `${pairs} pairs after a warm-up; ${settings.jobsAtOnce} jobs at once in the worker, ${limits.jobsInFlightDefault} in flight a run; Postgres with fsync, Temporal's dev server in memory with the settings of dev/temporal.ts`;
}

function findShape(name: string): Shape {
  const shape = shapes.find((candidate) => candidate.name === name);
  if (shape) return shape;
  throw new WrongUse(`--shapes names "${name}"; expected one of ${names.join(', ')}`);
}
