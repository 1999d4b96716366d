import type { Command } from 'commander';
import type { GraphRunView } from '../../client/index.ts';
import { type Session, type Setting, serverCommand } from '../command.ts';
import { ofOneRun } from '../either-run.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { watchRun } from '../watch-run.ts';

/** `graphrun watch <graphRunId>`: shows a run until it has ended. */
export function watchCommand(setting: Setting): Command {
  return serverCommand(setting, 'watch <graphRunId>', (session, [id = '']) => watchToEnd(session, id))
    .summary('shows a run until it has ended')
    .description(
      'Shows a run until it has ended; exit code 1 if it failed. Ctrl-C ends the watching, not the run.',
    );
}

/** The exit code is that of the run: whether it ended as was wanted. With --json stdout gets the run as it ended, and the view goes to stderr. */
export async function watchToEnd(
  session: Session,
  runId: string,
  isDone: (run: GraphRunView) => boolean = ({ state }) => state === 'SUCCESS',
): Promise<ExitCode> {
  const { io, client, json, print, note } = session;
  const out = json ? io.stderr : io.stdout;
  try {
    const watching = { client, runId, out, signal: io.interrupted };
    const run = await ofOneRun(session, runId, 'graph run', () => watchRun(watching));
    if (json) print(run, () => '');
    return isDone(run) ? exitCodes.done : exitCodes.runFailed;
  } catch (error) {
    if (!io.interrupted.aborted) throw error;
    note(`\nThe run goes on; watch it again with: graphrun watch ${runId}`);
    return exitCodes.interrupted;
  }
}
