import { describe, expect, it } from 'vitest';
import type { Pair, Sample } from '../../bench/overhead.ts';
import { renderOverhead } from '../../bench/report.ts';
import type { Shape } from '../../bench/shapes.ts';
import { summarize } from '../../bench/summary.ts';

const shape: Shape = {
  name: 'two',
  title: 'chain of 2',
  parents: [[], [0]],
  runs: 1,
  ratioWanted: 1.5,
  transactionsWanted: 2,
};

/** Each server and process takes as much CPU time. */
function sample(ms: number, resultMs: number, cpuMs: number, transactions: number): Sample {
  const used = { cpuMs, sql: { transactions, statements: 2 * transactions } };
  const usage = { worker: used, api: used, postgresCpuMs: cpuMs, temporalCpuMs: cpuMs };
  return { ms, resultMs, historyEvents: 12, usage };
}

const pairs: Pair[] = [
  { bare: sample(100, 100, 10, 0), graphRun: sample(120, 130, 11, 3) },
  { bare: sample(200, 200, 10, 0), graphRun: sample(220, 240, 12, 3) },
  { bare: sample(100, 100, 10, 0), graphRun: sample(190, 200, 30, 3) },
];

describe('GraphRuns beside bare Temporal', () => {
  it('are compared pair by pair, so that a slow moment counts on both sides', () => {
    const { ratio, resultRatio } = summarize(shape, pairs);
    expect(ratio).toEqual({ median: 1.2, min: 1.1, max: 1.9 });
    expect(resultRatio).toEqual({ median: 1.3, min: 1.2, max: 2 });
  });

  it('cost what all runs did, by their jobs', () => {
    const { jobs, perJob, cpuRatio } = summarize(shape, pairs);
    expect(jobs).toBe(2);
    expect(cpuRatio).toBeCloseTo(53 / 30);
    expect(perJob.graphRun).toMatchObject({ workerTransactions: 1.5, workerStatements: 3, historyEvents: 6 });
    expect(perJob.bare).toMatchObject({ workerTransactions: 0, workerCpuMs: 5 });
  });

  it('are told with both ratios of time: to the commit, and to the result that a client has', () => {
    const environment = { date: '', machine: '', load: '', versions: '', settings: '' };
    const row = renderOverhead(environment, [summarize(shape, pairs)])
      .split('\n')
      .find((line) => line.startsWith('| chain of 2'));
    const cells = row?.split('|').map((cell) => cell.trim());
    expect(cells?.slice(1, -1)).toEqual([
      'chain of 2',
      '100',
      '190',
      '1.20',
      '1.10 – 1.90',
      '≤ 1.5',
      'met',
      '1.30',
      '1.77',
    ]);
  });
});
