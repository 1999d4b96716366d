import type { Environment } from './environment.ts';
import { listEnvironment, table } from './markdown.ts';
import { slope } from './statistics.ts';
import type { MemoryUse } from './worker-answers.ts';

/** The worker's memory after it has run so many jobs in all. */
export interface MemorySample extends MemoryUse {
  readonly jobs: number;
}

/** KiB for each 1,000 jobs more: what is kept of them for good. */
export interface MemoryGrowth {
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
}

const shownEvery = 5_000;
const kib = 1_024;
const mib = 1_024 ** 2;

/** By least squares over the second half: in the first, code is compiled and caches fill up. */
export function growthOf(samples: readonly MemorySample[]): MemoryGrowth {
  const half = (samples.at(-1)?.jobs ?? 0) / 2;
  const second = samples.filter(({ jobs }) => jobs >= half);
  const of = (read: (sample: MemorySample) => number) =>
    (slope(second.map((sample) => [sample.jobs, read(sample)])) * 1_000) / kib;
  return {
    rss: of(({ rss }) => rss),
    heapUsed: of(({ heapUsed }) => heapUsed),
    external: of(({ external }) => external),
  };
}

/** Whether a sample is one of those that are printed, beside the first and the last. */
export function isShown({ jobs }: MemorySample): boolean {
  return jobs % shownEvery === 0;
}

export function renderMemory(
  environment: Environment,
  samples: readonly MemorySample[],
  growth: MemoryGrowth,
): string {
  const shown = samples.filter((sample, at) => isShown(sample) || at === 0 || at === samples.length - 1);
  return [
    ...listEnvironment(environment),
    '',
    ...table(
      ['jobs', 'RSS MiB', 'heap used MiB', 'external MiB'],
      shown.map(({ jobs, rss, heapUsed, external }) => [
        String(jobs),
        ...[rss, heapUsed, external].map((bytes) => (bytes / mib).toFixed(1)),
      ]),
    ),
    '',
    'Growth over the second half (flat is wanted), KiB per 1,000 jobs: ' +
      `RSS ${growth.rss.toFixed(1)}, heap used ${growth.heapUsed.toFixed(1)}, external ${growth.external.toFixed(1)}`,
  ].join('\n');
}
