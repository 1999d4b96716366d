import { describe, expect, it } from 'vitest';
import { renderOutside, summarizeOutside } from '../../bench/outside-report.ts';

describe('what was done outside', () => {
  it('is summed up as a whole first, then by action, those left out that were not tried', () => {
    const summaries = summarizeOutside([
      { action: 'reset', ms: 900 },
      { action: 'terminate', ms: 100 },
      { action: 'terminate', ms: 300 },
    ]);
    expect(summaries).toEqual([
      { what: 'all', runs: 3, ms: { median: 300, min: 100, max: 900 } },
      { what: 'terminate', runs: 2, ms: { median: 200, min: 100, max: 300 } },
      { what: 'reset', runs: 1, ms: { median: 900, min: 900, max: 900 } },
    ]);
  });

  it('is held to what is wanted by its worst time', () => {
    const environment = { date: '', machine: '', load: '', versions: '', settings: '' };
    const row = (ms: number) =>
      renderOutside(environment, summarizeOutside([{ action: 'cancel', ms }]))
        .split('\n')
        .at(-1);
    expect(row(4_999)).toMatch(/^\| cancel +\| 1 +\| 4999 +\| 4999 +\| < 5000 +\| met +\|$/);
    expect(row(5_000)).toContain('missed');
  });
});
