import { describe, expect, it } from 'vitest';
import type { Firing } from '../../bench/firings.ts';
import type { ScheduleResults } from '../../bench/schedules.ts';
import { renderSchedules, summarizeSchedules } from '../../bench/schedules-report.ts';

const firings = (...runningMs: readonly number[]): Firing[] =>
  runningMs.map((ms, at) => ({ at, startedMs: ms / 2, runningMs: ms }));

function results(listMs: readonly number[]): ScheduleResults {
  const made = { createMs: [10, 20, 60], createAllMs: 70 };
  return { ...made, listMs, firings: 3, graphRuns: firings(100, 300, 200), bare: firings(50, 90) };
}

const environment = { date: '', machine: '', load: '', versions: '', settings: '' };

describe('schedules that are measured', () => {
  it('are summed up by median and worst, those of bare Temporal beside them', () => {
    expect(summarizeSchedules(results([4, 8]))).toMatchObject({
      createMs: { median: 20, max: 60 },
      graphRuns: { startedMs: { median: 100, max: 150 }, runningMs: { median: 200, max: 300 } },
      bare: { startedMs: { median: 35, max: 45 }, runningMs: { median: 70, max: 90 } },
    });
    const lines = renderSchedules(environment, results([4, 8])).split('\n');
    expect(lines).toContainEqual(
      expect.stringMatching(/^\| GraphRuns +\| 3 of 3 +\| 100 +\| 150 +\| 200 +\| 300 +\|$/),
    );
    expect(lines).toContainEqual(
      expect.stringMatching(/^\| bare Temporal +\| 2 of 3 +\| 35 +\| 45 +\| 70 +\| 90 +\|$/),
    );
  });

  it('are held to what is wanted of a page by its worst time', () => {
    const page = (ms: number) =>
      renderSchedules(environment, results([4, ms]))
        .split('\n')
        .at(-1);
    expect(page(99)).toMatch(/worst 99\.0 ms, wanted below 100 ms: met$/);
    expect(page(100)).toMatch(/missed$/);
  });
});
