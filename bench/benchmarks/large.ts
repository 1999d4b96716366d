import { limits } from '../../graph/limits.ts';
import { type Benchmark, readCount, WrongUse } from '../benchmark.ts';
import { describeEnvironment } from '../environment.ts';
import { type LargeSizes, measureLarge } from '../large.ts';
import { renderLarge, summarizeLarge } from '../large-report.ts';
import { settings } from '../settings.ts';
import { withStack } from '../stack.ts';

export const large: Benchmark = {
  name: 'large',
  title: 'graphs at the limit of their size',
  options: [
    { name: 'width', placeholder: 'N', meaning: 'jobs in each of ten layers', byDefault: '1000' },
    { name: 'chain', placeholder: 'N', meaning: 'jobs in the chain', byDefault: '10000' },
  ],
  run: async (option, note) => {
    const sizes = { width: readCount(option, 'width'), chain: readCount(option, 'chain', 10_000) };
    if (sizes.width % 10 !== 0) throw new WrongUse(`--width is "${sizes.width}"; expected a multiple of 10`);
    return withStack({ note, watches: true }, async (stack) => {
      const environment = describeEnvironment(stack.versions, describeSettings(sizes));
      const results = await measureLarge(stack, sizes, note);
      return {
        text: renderLarge(environment, results),
        data: { environment, summary: summarizeLarge(results), results },
      };
    });
  },
};

function describeSettings({ width, chain }: LargeSizes): string {
  return `10 layers of ${width}, each job with 3 parents, and a chain of ${chain}; ${settings.jobsAtOnce} jobs at once in the worker, ${limits.jobsInFlightDefault} in flight a run; the watch runs beside the API`;
}
