import type { Environment } from './environment.ts';
import { judge, listEnvironment, table } from './markdown.ts';
import { type OutsideSample, outsideActions } from './outside.ts';
import { type Spread, spread } from './statistics.ts';

export interface OutsideSummary {
  /** `all`, or an action. */
  readonly what: string;
  readonly runs: number;
  readonly ms: Spread;
}

/** The worst is to be below this. */
export const shownMsWanted = 5_000;

/** All of them first, then each action that was tried. */
export function summarizeOutside(samples: readonly OutsideSample[]): OutsideSummary[] {
  const summarize = (what: string, of: readonly OutsideSample[]) =>
    of.length === 0 ? [] : [{ what, runs: of.length, ms: spread(of.map(({ ms }) => ms)) }];
  return [
    ...summarize('all', samples),
    ...outsideActions.flatMap((action) =>
      summarize(
        action,
        samples.filter((sample) => sample.action === action),
      ),
    ),
  ];
}

export function renderOutside(environment: Environment, summaries: readonly OutsideSummary[]): string {
  const rows = summaries.map(({ what, runs, ms }) => [
    what,
    String(runs),
    ms.median.toFixed(0),
    ms.max.toFixed(0),
    `< ${shownMsWanted}`,
    judge(ms.max < shownMsWanted),
  ]);
  return [
    ...listEnvironment(environment),
    '',
    ...table(['action', 'runs', 'median ms', 'worst ms', 'wanted', ''], rows),
  ].join('\n');
}
