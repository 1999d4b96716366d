import type { Environment } from './environment.ts';
import type { Firing } from './firings.ts';
import { judge, listEnvironment, table } from './markdown.ts';
import { createdAtOnce, pageLimit, type ScheduleResults } from './schedules.ts';
import { type Spread, spread } from './statistics.ts';

export interface FiringSummary {
  /** From the scheduled time to the start of the workflow, and to RUNNING. */
  readonly startedMs: Spread;
  readonly runningMs: Spread;
}

export interface SchedulesSummary {
  readonly createMs: Spread;
  readonly createAllMs: number;
  readonly listMs: Spread;
  readonly graphRuns: FiringSummary;
  readonly bare: FiringSummary;
}

/** Of one page, in the worst case too. */
export const pageMsWanted = 100;

export function summarizeSchedules(results: ScheduleResults): SchedulesSummary {
  return {
    createMs: spread(results.createMs),
    createAllMs: results.createAllMs,
    listMs: spread(results.listMs),
    graphRuns: summarizeFirings(results.graphRuns),
    bare: summarizeFirings(results.bare),
  };
}

function summarizeFirings(firings: readonly Firing[]): FiringSummary {
  return {
    startedMs: spread(firings.map(({ startedMs }) => startedMs)),
    runningMs: spread(firings.map(({ runningMs }) => runningMs)),
  };
}

export function renderSchedules(environment: Environment, results: ScheduleResults): string {
  const summary = summarizeSchedules(results);
  const { createMs, createAllMs, listMs, graphRuns, bare } = summary;
  const row = (what: string, of: readonly Firing[], { startedMs, runningMs }: FiringSummary) => [
    what,
    `${of.length} of ${results.firings}`,
    startedMs.median.toFixed(0),
    startedMs.max.toFixed(0),
    runningMs.median.toFixed(0),
    runningMs.max.toFixed(0),
  ];
  return [
    ...listEnvironment(environment),
    '',
    ...table(
      ['from the scheduled time', 'runs', 'started median ms', 'worst ms', 'RUNNING median ms', 'worst ms'],
      [row('GraphRuns', results.graphRuns, graphRuns), row('bare Temporal', results.bare, bare)],
    ),
    '',
    `${results.createMs.length} schedules made in ${(createAllMs / 1_000).toFixed(1)} s, ${createdAtOnce} at once: median ${createMs.median.toFixed(0)} ms, worst ${createMs.max.toFixed(0)} ms`,
    `A page of ${pageLimit}: median ${listMs.median.toFixed(1)} ms, worst ${listMs.max.toFixed(1)} ms, wanted below ${pageMsWanted} ms: ${judge(listMs.max < pageMsWanted)}`,
  ].join('\n');
}
