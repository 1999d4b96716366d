import type { Command } from 'commander';
import type { Verification } from '../../client/index.ts';
import { type Session, type Setting, serverCommand } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { count, formatColumns, printable } from '../text.ts';

/** `graphrun verify <graphRunId>`: compares a run's rows with Temporal's history; exit code 1 where they differ. */
export function verifyCommand(setting: Setting): Command {
  return serverCommand(setting, 'verify <graphRunId>', verify)
    .summary("compares a run with Temporal's history")
    .description(
      "Compares state, reason, outputs and order of a run with Temporal's history of it; exit code 1 where they differ.",
    );
}

async function verify({ client, print }: Session, [id = '']: string[]): Promise<ExitCode> {
  const verification = await client.graphRuns.verify(id);
  print(verification, () => renderVerification(verification));
  return verification.verdict === 'different' ? exitCodes.runFailed : exitCodes.done;
}

function renderVerification({ verdict, differences, explained, events }: Verification): string {
  const heads = {
    equal: `equal to Temporal's history of ${count(events, 'event')}`,
    different: `${count(differences.length, 'difference')} to Temporal's history of ${count(events, 'event')}`,
    unprovable: 'unprovable: Temporal has no history of it',
  };
  const rows = [
    ...differences.map((difference) => ({ ...difference, why: '' })),
    ...explained.map((difference) => ({ ...difference, why: `explained: ${difference.why}` })),
  ].map(({ job, fact, row, history, why }) =>
    [job ?? '(run)', fact, row ?? '', history ?? '', why].map(printable),
  );
  return rows.length === 0
    ? heads[verdict]
    : `${heads[verdict]}\n\n${formatColumns([['JOB', 'FACT', 'ROW', 'HISTORY', ''], ...rows])}`;
}
