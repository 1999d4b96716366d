import type { Command } from 'commander';
import type { Verification } from '../../client/index.ts';
import { type Session, type Setting, serverCommand } from '../command.ts';
import { ofEitherRun } from '../either-run.ts';
import { type ExitCode, exitCodes, UsageError } from '../exit-codes.ts';
import { count, formatColumns, printable } from '../text.ts';
import { type AllFlags, verifyAll } from '../verify-all.ts';

interface Flags extends AllFlags {
  readonly all: boolean;
}

/** `graphrun verify <runId>`, or of all runs with `--all`; exit code 1 where one differs from Temporal's history. */
export function verifyCommand(setting: Setting): Command {
  return serverCommand<Flags>(setting, 'verify [runId]', verify)
    .summary("compares a run, or all of them, with Temporal's history")
    .description(
      "Compares state, reason, outputs, attempts and order of a graph run or a job run with Temporal's history of it; " +
        'exit code 1 where they differ.',
    )
    .option('--all', 'all graph runs and jobs that were run alone, newest first', false)
    .option('--since <time>', 'with --all: only those created since; 30m, 24h, 7d or a time in ISO 8601')
    .option('--project <name>', 'with --all: only those of a project');
}

async function verify(session: Session, [id = '']: string[], flags: Flags): Promise<ExitCode> {
  const { client, print } = session;
  if (flags.all && id !== '') throw new UsageError('verify takes the id of a run, or --all, not both.');
  if (flags.all) return verifyAll(session, flags);
  if (id === '') throw new UsageError('verify needs the id of a run, or --all.');
  if (flags.since !== undefined || flags.project !== undefined) {
    throw new UsageError('--since and --project go with --all.');
  }
  const { graphRuns, jobRuns } = client;
  const verification = await ofEitherRun(id, { graphRun: graphRuns.verify, jobRun: jobRuns.verify });
  print(verification, () => renderVerification(verification));
  return verification.verdict === 'different' ? exitCodes.runFailed : exitCodes.done;
}

function renderVerification({ verdict, why, differences, explained, events }: Verification): string {
  const heads = {
    equal: `equal to Temporal's history of ${count(events, 'event')}`,
    different: `${count(differences.length, 'difference')} to Temporal's history of ${count(events, 'event')}`,
    unprovable: `unprovable: ${why}`,
  };
  const rows = [
    ...differences.map((difference) => ({ ...difference, why: '' })),
    ...explained.map((difference) => ({ ...difference, why: `explained: ${difference.why}` })),
  ].map(({ job, fact, row, history, why: explanation }) =>
    [job ?? '(run)', fact, row ?? '', history ?? '', explanation].map(printable),
  );
  return rows.length === 0
    ? heads[verdict]
    : `${heads[verdict]}\n\n${formatColumns([['JOB', 'FACT', 'ROW', 'HISTORY', ''], ...rows])}`;
}
