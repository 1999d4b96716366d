import type { Command } from 'commander';
import { type Session, type Setting, serverCommand } from '../command.ts';
import { ofOneRun } from '../either-run.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';

interface Flags {
  readonly note?: string;
}

/** `graphrun retry <jobRunId>` */
export function retryCommand(setting: Setting): Command {
  return serverCommand<Flags>(setting, 'retry <jobRunId>', retry)
    .summary('begins the next attempt of a job that waits for it')
    .description(
      'Cuts the back-off of a job short that waits for its next attempt (PENDING/retry): the attempt begins at once, and the ' +
        'attempts that it has are counted on. Returns once the request is kept.',
    )
    .option('--note <text>', 'why, in up to 500 characters');
}

async function retry(session: Session, [id = '']: string[], { note }: Flags): Promise<ExitCode> {
  const asked = await ofOneRun(session, id, 'job run', () => session.client.jobRuns.retry(id, { note }));
  session.print(asked, () => `${asked.job}: attempt ${asked.attempts + 1} begins at once`);
  session.note(`see how it ends with: graphrun show ${id}`);
  return exitCodes.done;
}
