import { describe, expect, it } from 'vitest';
import { type LargeResults, wantedRatio } from '../../bench/large.ts';
import { renderLarge, summarizeLarge } from '../../bench/large-report.ts';

const mib = 1_024 ** 2;
const run = { jobs: 100, ms: 2_000, histories: [400], peakRss: 300 * mib };
const results: LargeResults = {
  bareMs: [150, 250, 100],
  wide: { ...run, ms: 600 },
  chain: { ...run, histories: [4_100, 3_000], peakRss: 400 * mib },
  layerAlone: run,
  resume: { ...run, ms: 2_700 },
};
const environment = { date: '2026-01-01', machine: 'm', versions: 'v', settings: 's', load: 'l' };

describe('the report on large graphs', () => {
  it('sums up what is wanted', () => {
    expect(summarizeLarge(results)).toEqual({
      bareMs: 500,
      ratio: 1.2,
      peakRssMib: 400,
      largestHistory: 4_100,
      resumeStartUpMs: 700,
    });
  });

  it('says what is met and what is missed', () => {
    const met = renderLarge(environment, results);
    expect(met.match(/: met/g)).toHaveLength(3);
    expect(met).toMatch(/\| chain +\| 100 +\| 2\.0 s +\| 2 +\| 4100 +\| 400 +\|/);
    const wide = { ...run, ms: 500 * wantedRatio + 1, peakRss: 600 * mib };
    const missed = renderLarge(environment, { ...results, wide, resume: { ...run, ms: 12_001 } });
    expect(missed.match(/: missed/g)).toHaveLength(3);
  });
});
