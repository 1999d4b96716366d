import { type Benchmark, readCount } from '../benchmark.ts';
import { describeEnvironment } from '../environment.ts';
import { measureOutside, outsideActions } from '../outside.ts';
import { renderOutside, summarizeOutside } from '../outside-report.ts';
import { withStack } from '../stack.ts';

export const outside: Benchmark = {
  name: 'outside',
  title: 'until the API shows what was done to a run in Temporal itself',
  options: [
    {
      name: 'runs',
      placeholder: 'N',
      meaning: `runs, each for one of ${outsideActions.join(', ')}`,
      byDefault: '20',
    },
  ],
  run: async (option, note) => {
    const runs = readCount(option, 'runs');
    return withStack({ note, watches: true }, async (stack) => {
      const environment = describeEnvironment(stack.versions, describeSettings(runs));
      const samples = await measureOutside(stack, runs, note);
      const summaries = summarizeOutside(samples);
      return {
        text: renderOutside(environment, summaries),
        data: { environment, summaries, samples },
      };
    });
  },
};

function describeSettings(runs: number): string {
  return `${runs} runs of one job that works until it is stopped, one after the other; from the action's return to a GET that shows it, asked every 10 ms; the watch runs beside the API`;
}
