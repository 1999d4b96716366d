import { describe, expect, it } from 'vitest';
import type { Environment } from '../../bench/environment.ts';
import { measureList, renderLists } from '../../bench/list-times.ts';
import { jobRunsPerStep, stepsFor } from '../../bench/stored-runs.ts';

const environment: Environment = {
  date: '2026-11-25',
  machine: 'one',
  load: '0.10',
  versions: 'Node 24',
  settings: 'plain',
};

describe('lists that are measured', () => {
  it('are asked for once more than is counted', async () => {
    let asked = 0;
    const measured = await measureList('jobs', {
      times: 5,
      ask: async () => {
        asked += 1;
      },
      statements: () => 2 * asked,
    });
    expect(asked).toBe(6);
    expect(measured).toMatchObject({ list: 'jobs', statements: 2 });
    expect(measured.samplesMs).toHaveLength(5);
    expect(measured.ms.max).toBeGreaterThanOrEqual(measured.ms.median);
  });

  it('are held to what is wanted by their worst time', () => {
    const row = (max: number) => {
      const times = { list: 'jobs', ms: { median: 10, min: 1, max }, samplesMs: [], statements: 1 };
      return renderLists(environment, [times]).split('\n').at(-1);
    };
    expect(row(49.9)).toMatch(/^\| jobs +\| 10\.0 +\| 49\.9 +\| < 50 +\| met +\| 1 +\|$/);
    expect(row(50)).toContain('missed');
  });

  it('are told with machine, settings and date', () => {
    const lines = renderLists(environment, []).split('\n');
    expect(lines).toEqual(expect.arrayContaining(['machine: one', 'settings: plain', 'date: 2026-11-25']));
  });
});

describe('runs that are stored', () => {
  it('are made in whole steps of all projects, at least as many as were asked for', () => {
    expect(stepsFor(1)).toBe(1);
    expect(stepsFor(jobRunsPerStep)).toBe(1);
    expect(stepsFor(jobRunsPerStep + 1)).toBe(2);
    expect(stepsFor(1_000_000) * jobRunsPerStep).toBe(1_000_000);
  });
});
