import type { VerifiedRun } from '../client/index.ts';
import type { Session } from './command.ts';
import { type ExitCode, exitCodes, UsageError } from './exit-codes.ts';
import type { Out } from './io.ts';
import { count, formatColumns, formatTime, indent } from './text.ts';

export interface AllFlags {
  readonly since?: string;
  readonly project?: string;
}

interface Tally {
  equal: number;
  different: number;
  unprovable: number;
  /** Those that are not plainly equal. */
  readonly runs: VerifiedRun[];
}

/** Verifies all runs page by page, with how far it is on stderr; exit code 1 where any differs. */
export async function verifyAll(session: Session, { since, project }: AllFlags): Promise<ExitCode> {
  const { client, io, print } = session;
  const filter = { project, since: since === undefined ? undefined : readSince(since, new Date()) };
  const progress = tellProgress(io.stderr);
  const tally: Tally = { equal: 0, different: 0, unprovable: 0, runs: [] };
  let total = 0;
  for (let cursor: string | undefined; ; ) {
    const page = await client.verifications.list({ ...filter, cursor });
    total = page.total ?? total;
    for (const run of page.items) tallyRun(tally, run);
    progress.tell(tally, total);
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  progress.end();
  print({ ...tally, checked: checkedOf(tally), since: filter.since ?? null, project: project ?? null }, () =>
    renderTally(tally),
  );
  return tally.different > 0 ? exitCodes.runFailed : exitCodes.done;
}

function tallyRun(tally: Tally, run: VerifiedRun): void {
  const { verdict, explained } = run.verification;
  tally[verdict] += 1;
  if (verdict !== 'equal' || explained.length > 0) tally.runs.push(run);
}

function checkedOf({ equal, different, unprovable }: Tally): number {
  return equal + different + unprovable;
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A span before now, or a time; as ISO 8601 in UTC. @throws UsageError */
function readSince(text: string, now: Date): string {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ms = unit === undefined ? Date.parse(text) : now.getTime() - Number(amount) * unitMs[unit as 'h'];
  const looksLikeTime = unit !== undefined || /^\d{4}-\d\d-\d\d/.test(text);
  if (looksLikeTime && !Number.isNaN(ms)) return new Date(ms).toISOString();
  throw new UsageError(`--since ${text}: expected 30m, 24h, 7d or a time such as 2026-11-24T08:00:00Z.`);
}

/** On a terminal one line that is written again; else a line now and then. */
function tellProgress(out: Out) {
  const everyMs = out.isTTY ? 100 : 5_000;
  let toldAt = performance.now();
  return {
    tell: (tally: Tally, total: number) => {
      if (performance.now() - toldAt < everyMs) return;
      toldAt = performance.now();
      const line = `verified ${checkedOf(tally)} of ${count(total, 'run')}, ${count(tally.different, 'difference')} so far`;
      out.write(out.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
    },
    end: () => {
      if (out.isTTY) out.write('\r\x1b[K');
    },
  };
}

function renderTally(tally: Tally): string {
  const { equal, different, unprovable } = tally;
  const explained = tally.runs.filter(({ verification }) => verification.verdict === 'equal').length;
  const parts = [
    `${count(checkedOf(tally), 'run')}: ${equal} equal${explained > 0 ? ` (${explained} with explained differences)` : ''}`,
    `${different} different`,
    `${unprovable} unprovable`,
  ];
  const unproved = renderUnprovable(tally.runs);
  const bad = tally.runs.filter(({ verification }) => verification.verdict === 'different');
  if (bad.length === 0) return [parts.join(', '), ...unproved].join('\n\n');
  const rows = bad.map((run) => [
    run.id,
    run.job === null ? run.project : `${run.project} / ${run.job}`,
    run.state,
    formatTime(run.createdAt),
    describe(run),
  ]);
  const table = formatColumns([['RUN', 'PROJECT', 'STATE', 'CREATED', 'DIFFERENCES'], ...rows]);
  return [parts.join(', '), table, ...unproved, 'look closer with: graphrun verify RUN'].join('\n\n');
}

const unprovableShown = 20;

/** By why they are, the first of each; those whose history is gone are many after a time. */
function renderUnprovable(runs: readonly VerifiedRun[]): string[] {
  const byWhy = new Map<string, string[]>();
  for (const { id, verification } of runs) {
    if (verification.verdict !== 'unprovable') continue;
    const why = verification.why ?? '';
    byWhy.set(why, [...(byWhy.get(why) ?? []), id]);
  }
  return [...byWhy].map(([why, ids]) => {
    const more = ids.length - unprovableShown;
    const lines = [...ids.slice(0, unprovableShown), ...(more > 0 ? [`… and ${more} more`] : [])];
    return `unprovable, ${why}:\n${indent(lines.join('\n'), '  ')}`;
  });
}

/** The first, and how many there are. */
function describe({ verification: { differences } }: VerifiedRun): string {
  const [first] = differences;
  if (!first) return '';
  const more = differences.length > 1 ? ` and ${differences.length - 1} more` : '';
  return `${first.job ?? '(run)'} ${first.fact}: ${first.row ?? ''} for ${first.history ?? ''}${more}`;
}
