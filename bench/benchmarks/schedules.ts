import { limits } from '../../graph/limits.ts';
import { type Benchmark, readCount, WrongUse } from '../benchmark.ts';
import { describeEnvironment } from '../environment.ts';
import { everyMs, measureSchedules, type ScheduleSizes } from '../schedules.ts';
import { renderSchedules, summarizeSchedules } from '../schedules-report.ts';
import { withStack } from '../stack.ts';

export const schedules: Benchmark = {
  name: 'schedules',
  title: 'many schedules, and those that fire at the same moment, beside Schedules of bare Temporal',
  options: [
    { name: 'schedules', placeholder: 'N', meaning: 'schedules to make', byDefault: '1000' },
    { name: 'firing', placeholder: 'N', meaning: 'of these, fire at once', byDefault: '100' },
    { name: 'rounds', placeholder: 'N', meaning: 'times that they fire', byDefault: '5' },
  ],
  run: async (option, note) => {
    const sizes: ScheduleSizes = {
      schedules: readCount(option, 'schedules', limits.schedulesPerProject),
      firing: readCount(option, 'firing'),
      rounds: readCount(option, 'rounds', 100),
    };
    if (sizes.firing > sizes.schedules)
      throw new WrongUse(`--firing is "${sizes.firing}"; expected at most --schedules, ${sizes.schedules}`);
    const unanswered: string[] = [];
    // Temporal leaves a question for a Schedule unanswered now and then; the watch asks again.
    const onWatchError = (error: unknown) => {
      unanswered.push(String(error));
      note(`the watch: ${error}`);
    };
    return withStack({ note, watches: true, onWatchError }, async (stack) => {
      const environment = describeEnvironment(stack.versions, describeSettings(sizes));
      const results = await measureSchedules(stack, sizes, note);
      const summary = summarizeSchedules(results);
      return {
        text: renderSchedules(environment, results),
        data: { environment, summary, unanswered, results },
      };
    });
  },
};

function describeSettings({ schedules: count, firing, rounds }: ScheduleSizes): string {
  return `${count} schedules of one project, of which ${firing} fire every ${everyMs / 1_000} s, ${rounds} times, and as many bare ones in the middle between; a graph of one no-op job; the watch runs beside the API`;
}
