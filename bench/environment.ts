import { readFileSync } from 'node:fs';
import { cpus, loadavg, platform, release, totalmem } from 'node:os';

/** What the numbers depend on. */
export interface Environment {
  readonly date: string;
  readonly machine: string;
  /** Of the last minute, before the first run: whether others use the machine. */
  readonly load: string;
  readonly versions: string;
  readonly settings: string;
}

export interface ServerVersions {
  readonly postgres: string;
  /** Missing where none runs. */
  readonly temporal?: string;
}

export function describeEnvironment({ postgres, temporal }: ServerVersions, settings: string): Environment {
  const [cpu] = cpus();
  const gib = (totalmem() / 2 ** 30).toFixed(0);
  const versions = [
    `Node ${process.versions.node}`,
    ...(temporal ? [`Temporal server ${temporal}`, `SDK ${versionOf('@temporalio/worker')}`] : []),
    `Postgres ${postgres}`,
    `pg ${versionOf('pg')}`,
  ];
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} × ${cpu?.model ?? 'unknown CPU'}, ${gib} GiB, ${platform()} ${release()}`,
    load: (loadavg()[0] ?? 0).toFixed(2),
    versions: versions.join(', '),
    settings,
  };
}

function versionOf(dependency: string): string {
  const file = new URL('../package.json', import.meta.url);
  const { dependencies }: { dependencies: Record<string, string> } = JSON.parse(readFileSync(file, 'utf8'));
  return dependencies[dependency] ?? 'unknown';
}
