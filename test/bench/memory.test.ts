import { describe, expect, it } from 'vitest';
import { growthOf, type MemorySample, renderMemory } from '../../bench/memory.ts';

const mib = 2 ** 20;
const environment = { date: '', machine: '', load: '', versions: '', settings: '' };

/** Grows for 5,000 jobs as caches fill up, and by 4 KiB of heap a run from then on. */
const samples = Array.from({ length: 12 }, (_, run): MemorySample => {
  const jobs = (run + 1) * 1_000;
  return { jobs, rss: Math.min(jobs, 5_000) * mib, heapUsed: 10 * mib + run * 4_096, external: mib };
});

describe("the worker's memory", () => {
  it('is judged by the second half, in KiB per 1,000 jobs', () => {
    const growth = growthOf(samples);
    expect(growth.rss).toBeCloseTo(0);
    expect(growth.heapUsed).toBeCloseTo(4);
    expect(growth.external).toBeCloseTo(0);
  });

  it('is printed every 5,000 jobs, and at first and last', () => {
    const rows = renderMemory(environment, samples, growthOf(samples)).split('\n');
    const jobs = rows.flatMap((row) => /^\| (\d+)/.exec(row)?.[1] ?? []);
    expect(jobs).toEqual(['1000', '5000', '10000', '12000']);
    expect(rows.at(-1)).toContain('heap used 4.0');
  });
});
