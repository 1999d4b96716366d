import type { Environment } from './environment.ts';
import { judge, listEnvironment, table } from './markdown.ts';
import { type Spread, spread } from './statistics.ts';

/** What a list is asked for, and how: by a GET, or of the store itself. */
export interface ListTimes {
  readonly list: string;
  readonly ms: Spread;
  /** In order. */
  readonly samplesMs: readonly number[];
  /** Sent to Postgres for one list. */
  readonly statements: number;
}

/** Both the median and the worst are to be below this. */
export const listMsWanted = 50;

/** Asks again and again, one at a time, after one that is not counted: it opens what stays open. */
export async function measureList(
  list: string,
  options: {
    readonly times: number;
    ask(): Promise<unknown>;
    /** Sent so far. */
    statements(): number;
  },
): Promise<ListTimes> {
  await options.ask();
  const before = options.statements();
  const samplesMs: number[] = [];
  for (let time = 0; time < options.times; time += 1) {
    const begun = performance.now();
    await options.ask();
    samplesMs.push(performance.now() - begun);
  }
  const statements = (options.statements() - before) / options.times;
  return { list, ms: spread(samplesMs), samplesMs, statements };
}

export function renderLists(environment: Environment, lists: readonly ListTimes[]): string {
  const rows = lists.map(({ list, ms, statements }) => [
    list,
    ms.median.toFixed(1),
    ms.max.toFixed(1),
    `< ${listMsWanted}`,
    judge(ms.max < listMsWanted),
    String(statements),
  ]);
  return [
    ...listEnvironment(environment),
    '',
    ...table(['list', 'median ms', 'worst ms', 'wanted', '', 'statements'], rows),
  ].join('\n');
}
