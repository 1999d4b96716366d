import type { Pair, Sample } from './overhead.ts';
import { jobsOf, type Shape } from './shapes.ts';
import { mean, type Spread, spread } from './statistics.ts';
import { totalCpuMs } from './usage.ts';

/** What running one job costs, over all runs: the system tells CPU time of servers in steps of 10 ms, which a short run hardly has. */
export interface JobCost {
  readonly workerTransactions: number;
  readonly workerStatements: number;
  readonly apiTransactions: number;
  readonly apiStatements: number;
  readonly historyEvents: number;
  readonly workerCpuMs: number;
  /** Of the process that holds the API and the clients of both variants. */
  readonly apiCpuMs: number;
  readonly postgresCpuMs: number;
  readonly temporalCpuMs: number;
}

export interface ShapeSummary {
  readonly shape: string;
  readonly title: string;
  readonly jobs: number;
  readonly bareMs: Spread;
  readonly graphRunMs: Spread;
  /** Of each pair; to the commit of the end's row. */
  readonly ratio: Spread;
  /** Of each pair; to the moment at which the client has the workflows' results, on both sides. */
  readonly resultRatio: Spread;
  /** Of all pairs together; CPU time of all processes. It tells more than time does while others use the machine. */
  readonly cpuRatio: number;
  readonly ratioWanted: number;
  readonly transactionsWanted: number | null;
  readonly perJob: { readonly bare: JobCost; readonly graphRun: JobCost };
}

export function summarize(shape: Shape, pairs: readonly Pair[]): ShapeSummary {
  const jobs = jobsOf(shape);
  const bare = pairs.map((pair) => pair.bare);
  const graphRun = pairs.map((pair) => pair.graphRun);
  return {
    shape: shape.name,
    title: shape.title,
    jobs,
    bareMs: spread(bare.map(({ ms }) => ms)),
    graphRunMs: spread(graphRun.map(({ ms }) => ms)),
    ratio: spread(pairs.map((pair) => pair.graphRun.ms / pair.bare.ms)),
    resultRatio: spread(pairs.map((pair) => pair.graphRun.resultMs / pair.bare.resultMs)),
    cpuRatio: meanCpuMs(graphRun) / meanCpuMs(bare),
    ratioWanted: shape.ratioWanted,
    transactionsWanted: shape.transactionsWanted,
    perJob: { bare: costOf(bare, jobs), graphRun: costOf(graphRun, jobs) },
  };
}

function meanCpuMs(samples: readonly Sample[]): number {
  return mean(samples.map(({ usage }) => totalCpuMs(usage)));
}

function costOf(samples: readonly Sample[], jobs: number): JobCost {
  const perJob = (read: (sample: Sample) => number) => mean(samples.map(read)) / jobs;
  return {
    workerTransactions: perJob(({ usage }) => usage.worker.sql.transactions),
    workerStatements: perJob(({ usage }) => usage.worker.sql.statements),
    apiTransactions: perJob(({ usage }) => usage.api.sql.transactions),
    apiStatements: perJob(({ usage }) => usage.api.sql.statements),
    historyEvents: perJob(({ historyEvents }) => historyEvents),
    workerCpuMs: perJob(({ usage }) => usage.worker.cpuMs),
    apiCpuMs: perJob(({ usage }) => usage.api.cpuMs),
    postgresCpuMs: perJob(({ usage }) => usage.postgresCpuMs),
    temporalCpuMs: perJob(({ usage }) => usage.temporalCpuMs),
  };
}
