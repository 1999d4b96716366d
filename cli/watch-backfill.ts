import { setTimeout as delay } from 'node:timers/promises';
import { type BackfillView, isPassing } from '../client/index.ts';
import { renderProgress } from './backfill-text.ts';
import type { Session } from './command.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';

const intervalMs = 500;
/** How long a server that does not answer is asked again. */
const patienceMs = 60_000;

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
    return ended.state === 'SUCCESS' ? exitCodes.done : exitCodes.runFailed;
  } catch (error) {
    if (!io.interrupted.aborted) throw error;
    note(`\nThe backfill goes on; watch it again with: graphrun backfill watch ${id}`);
    return exitCodes.interrupted;
  }
}

async function follow(
  { client, io: { interrupted: signal } }: Session,
  id: string,
  tell: (line: string) => void,
): Promise<BackfillView> {
  let told = '';
  let answeredAt = performance.now();
  for (;;) {
    signal.throwIfAborted();
    try {
      const backfill = await client.backfills.get(id);
      answeredAt = performance.now();
      const { state, reason, counts } = backfill;
      const line = [state, ...(reason === null ? [] : [reason]), ` ${renderProgress(backfill)}`].join(' ');
      const { success, failed, skipped } = counts;
      // How long is left changes all the time.
      const what = JSON.stringify([state, reason, success, failed, skipped, counts.open]);
      if (what !== told) tell(`${new Date().toISOString().slice(11, 19)}Z  ${line}`);
      told = what;
      if ((state === 'SUCCESS' || state === 'FAILED') && counts.open === 0) return backfill;
    } catch (error) {
      if (!isPassing(error) || performance.now() - answeredAt > patienceMs) throw error;
    }
    await delay(intervalMs, undefined, { signal });
  }
}
