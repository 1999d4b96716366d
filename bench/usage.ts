import type { SqlCounts } from './sql-counts.ts';

/** What a process has used since it began. */
export interface ProcessUsage {
  readonly cpuMs: number;
  readonly sql: SqlCounts;
}

export interface Usage {
  readonly worker: ProcessUsage;
  /** The benchmark's own process, which holds the API and the clients of both variants. */
  readonly api: ProcessUsage;
  /** NaN where the system does not tell. */
  readonly postgresCpuMs: number;
  readonly temporalCpuMs: number;
}

/** Totals at a moment. */
export interface UsageNow extends Usage {
  since(before: Usage): Usage;
}

export function usageOfThisProcess(sql: SqlCounts): ProcessUsage {
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1_000, sql };
}

export function usageNow(usage: Usage): UsageNow {
  return {
    ...usage,
    since: (before) => ({
      worker: subtract(usage.worker, before.worker),
      api: subtract(usage.api, before.api),
      postgresCpuMs: usage.postgresCpuMs - before.postgresCpuMs,
      temporalCpuMs: usage.temporalCpuMs - before.temporalCpuMs,
    }),
  };
}

export function totalCpuMs({ worker, api, postgresCpuMs, temporalCpuMs }: Usage): number {
  return worker.cpuMs + api.cpuMs + postgresCpuMs + temporalCpuMs;
}

function subtract(after: ProcessUsage, before: ProcessUsage): ProcessUsage {
  return {
    cpuMs: after.cpuMs - before.cpuMs,
    sql: {
      transactions: after.sql.transactions - before.sql.transactions,
      statements: after.sql.statements - before.sql.statements,
    },
  };
}
