import { setTimeout as pause } from 'node:timers/promises';
import { CodedError } from '../graph/errors.ts';

const waitMaxMs = 10 * 60_000;
const pauseMaxMs = 2_000;

/**
 * Reads again while the metadata database cannot be reached: work waits inside its attempt, and loses none for that.
 * @throws what `read` throws otherwise, the signal's reason, or CodedError STORE_UNAVAILABLE after ten minutes
 */
export async function whileStoreIsAway<Answer>(
  read: () => Promise<Answer>,
  signal: AbortSignal,
): Promise<Answer> {
  const until = Date.now() + waitMaxMs;
  for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, pauseMaxMs)) {
    try {
      return await read();
    } catch (error) {
      const isAway = error instanceof CodedError && error.code === 'STORE_UNAVAILABLE';
      if (!isAway || Date.now() > until) throw error;
      await pause(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}
