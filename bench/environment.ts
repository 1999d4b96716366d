import { readFileSync } from 'node:fs';
import { cpus, loadavg, platform, release, totalmem } from 'node:os';
import { limits } from '../graph/limits.ts';
import { settings } from './settings.ts';

/** What the numbers depend on. */
export interface Environment {
  readonly date: string;
  readonly machine: string;
  /** Of the last minute, before the first run: whether others use the machine. */
  readonly load: string;
  readonly versions: string;
  readonly settings: string;
}

export function describeEnvironment(
  servers: Readonly<Record<'postgres' | 'temporal', string>>,
  pairs: number,
): Environment {
  const [cpu] = cpus();
  const gib = (totalmem() / 2 ** 30).toFixed(0);
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} × ${cpu?.model ?? 'unknown CPU'}, ${gib} GiB, ${platform()} ${release()}`,
    load: (loadavg()[0] ?? 0).toFixed(2),
    versions: `Node ${process.versions.node}, Temporal server ${servers.temporal}, SDK ${versionOf('@temporalio/worker')}, Postgres ${servers.postgres}, pg ${versionOf('pg')}`,
    settings: `${pairs} pairs after a warm-up; ${settings.jobsAtOnce} jobs at once in the worker, ${limits.jobsInFlightDefault} in flight a run; Postgres with fsync, Temporal's dev server in memory with the settings of dev/temporal.ts`,
  };
}

function versionOf(dependency: string): string {
  const file = new URL('../package.json', import.meta.url);
  const { dependencies }: { dependencies: Record<string, string> } = JSON.parse(readFileSync(file, 'utf8'));
  return dependencies[dependency] ?? 'unknown';
}
