import { setTimeout as pause } from 'node:timers/promises';
import type { JobRunRow } from '../graph/transitions.ts';
import type { PendingWrite } from './attempt-writes.ts';
import type { Database } from './database.ts';
import { isConnectionError, translateDatabaseError } from './database-errors.ts';
import { type Flushed, flushAttempts } from './flush-attempts.ts';
import { type ExpectRow, flushKnownAttempts } from './flush-known-attempts.ts';

export interface FlushOptions {
  readonly outageMaxMs: number;
  readonly expectRow: ExpectRow;
  /** Hears of each row as it is stored now, before its writes are answered. */
  readonly onStored: (row: JobRunRow) => void;
}

const retryPauseMs = { first: 50, last: 2_000 };

/** Stores writes and answers each of them, with an error where it cannot be stored. Never rejects. */
export async function flushPatiently(
  database: Database,
  writes: readonly PendingWrite[],
  options: FlushOptions,
): Promise<void> {
  const until = Date.now() + options.outageMaxMs;
  let rest = writes;
  for (let pauseMs = retryPauseMs.first; ; pauseMs = Math.min(pauseMs * 2, retryPauseMs.last)) {
    try {
      rest = await flushKnown(database, rest, options);
      if (rest.length > 0)
        deliver(await database.transaction((client) => flushAttempts(client, rest)), options);
      return;
    } catch (error) {
      if (!isConnectionError(error)) return refused(database, rest, options, error);
      if (Date.now() >= until) return failAll(rest, error);
      await pause(pauseMs);
    }
  }
}

/** What is left of the writes, where not all could be stored in one statement. */
async function flushKnown(
  database: Database,
  writes: readonly PendingWrite[],
  options: FlushOptions,
): Promise<readonly PendingWrite[]> {
  try {
    const { flushed, rest } = await flushKnownAttempts(database.pool, writes, options.expectRow);
    if (flushed) deliver(flushed, options);
    return rest;
  } catch (error) {
    if (isConnectionError(error)) throw error;
    // A race that was lost, or what is in one of them: the other way finds out which.
    return writes;
  }
}

function deliver(flushed: Flushed, { onStored }: FlushOptions): void {
  for (const row of flushed.folded.rows) onStored(row);
  flushed.deliver();
}

/** Refused for what is in it: halved until the culprit stands alone, so that it spoils nobody else's write. */
async function refused(
  database: Database,
  writes: readonly PendingWrite[],
  options: FlushOptions,
  error: unknown,
): Promise<void> {
  if (writes.length <= 1) return failAll(writes, error);
  const middle = writes.length >> 1;
  await flushPatiently(database, writes.slice(0, middle), options);
  await flushPatiently(database, writes.slice(middle), options);
}

function failAll(writes: readonly PendingWrite[], error: unknown): void {
  for (const write of writes) write.fail(translateDatabaseError(error));
}
