import type { Command } from 'commander';
import { type Session, type Setting, serverCommand } from '../command.ts';
import { ofOneRun } from '../either-run.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { formatAsked } from '../text.ts';

interface Flags {
  readonly note?: string;
}

const noteOption = ['--note <text>', 'why, in up to 500 characters'] as const;

/** `graphrun pause <runId>` */
export function pauseCommand(setting: Setting): Command {
  return serverCommand<Flags>(setting, 'pause <runId>', pause)
    .summary('pauses a graph run')
    .description(
      'Starts no more jobs of a graph run: those in flight go on to their ends. Returns once the request is kept; it is ' +
        'carried out though Temporal or all workers are away.',
    )
    .option(...noteOption);
}

/** `graphrun unpause <runId>` */
export function unpauseCommand(setting: Setting): Command {
  return serverCommand<Flags>(setting, 'unpause <runId>', unpause)
    .summary('lets a graph run go on that is paused')
    .description('Lets a graph run go on that is paused. One that is not stays as it is.')
    .option(...noteOption);
}

async function pause(session: Session, [id = '']: string[], { note }: Flags): Promise<ExitCode> {
  const run = await ofOneRun(session, id, 'graph run', () => session.client.graphRuns.pause(id, { note }));
  session.print(run, () => `${run.state}, paused ${run.pause === null ? '' : formatAsked(run.pause)}`);
  session.note(`let it go on with: graphrun unpause ${id}`);
  return exitCodes.done;
}

async function unpause(session: Session, [id = '']: string[], { note }: Flags): Promise<ExitCode> {
  const run = await ofOneRun(session, id, 'graph run', () => session.client.graphRuns.unpause(id, { note }));
  session.print(run, () => `${run.state}, not paused`);
  session.note(`see how it goes on with: graphrun watch ${id}`);
  return exitCodes.done;
}
