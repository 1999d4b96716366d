import type { BackfillView } from '../client/index.ts';
import { askAgain } from './ask-again.ts';
import { noteWhatToDo } from './backfill-hints.ts';
import { renderProgress } from './backfill-text.ts';
import type { Session } from './command.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';

const intervalMs = 500;

/**
 * Tells of a backfill, a line for each change, until it makes no more runs and none is open. With --json stdout gets it as it
 * ended, and the lines go to stderr.
 */
export async function watchBackfill(session: Session, id: string): Promise<ExitCode> {
  const { io, json, print, note } = session;
  const out = json ? io.stderr : io.stdout;
  try {
    const ended = await follow(session, id, (line) => out.write(`${line}\n`));
    if (json) print(ended, () => '');
    await noteWhatToDo(session, ended);
    return ended.state === 'SUCCESS' ? exitCodes.done : exitCodes.runFailed;
  } catch (error) {
    if (!io.interrupted.aborted) throw error;
    note(`\nThe backfill goes on; watch it again with: graphrun backfill watch ${id}`);
    return exitCodes.interrupted;
  }
}

function follow({ client, io }: Session, id: string, tell: (line: string) => void): Promise<BackfillView> {
  let told = '';
  const take = (backfill: BackfillView): boolean => {
    const { state, reason, counts } = backfill;
    const line = [state, ...(reason === null ? [] : [reason]), ` ${renderProgress(backfill)}`].join(' ');
    const { success, failed, skipped } = counts;
    // How long is left changes all the time.
    const what = JSON.stringify([state, reason, success, failed, skipped, counts.open]);
    if (what !== told) tell(`${new Date().toISOString().slice(11, 19)}Z  ${line}`);
    told = what;
    return (state === 'SUCCESS' || state === 'FAILED') && counts.open === 0;
  };
  return askAgain({ ask: () => client.backfills.get(id), take, intervalMs, signal: io.interrupted });
}
