import type { Command } from 'commander';
import { type Session, type Setting, serverCommand } from '../command.ts';
import { ofOneRun } from '../either-run.ts';
import { type ExitCode, exitCodes, UsageError } from '../exit-codes.ts';
import { formatAsked, printable } from '../text.ts';

interface Flags {
  readonly note?: string;
  readonly output?: string;
}

/** `graphrun mark <jobRunId>` */
export function markCommand(setting: Setting): Command {
  return serverCommand<Flags>(setting, 'mark <jobRunId>', mark)
    .summary('marks a failed job of a graph run as done by hand')
    .description(
      'Marks a failed job of a graph run that has ended as done by hand: the next resume of the run keeps it, and gives its ' +
        'output to the jobs below it. Needs --note. A later mark counts in place of an earlier one.',
    )
    .requiredOption('--note <text>', 'why, in up to 500 characters; required')
    .option(
      '--output <json>',
      'what the jobs below it are given; unless told, that of an earlier mark, else none',
    );
}

async function mark(session: Session, [id = '']: string[], { note = '', output }: Flags): Promise<ExitCode> {
  const given = { note, output: readOutput(output) };
  const marked = await ofOneRun(session, id, 'job run', () => session.client.jobRuns.mark(id, given));
  const { job, mark: kept, markOutput } = marked;
  const told = markOutput === null ? 'no output' : `the output ${printable(JSON.stringify(markOutput))}`;
  session.print(marked, () => `${job}: marked as done ${kept ? formatAsked(kept) : ''}\nwith ${told}`);
  session.note(`go on with: graphrun resume ${marked.graphRunId}`);
  return exitCodes.done;
}

function readOutput(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new UsageError(`--output is not JSON: ${text.slice(0, 100)}`);
  }
}
