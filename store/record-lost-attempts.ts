import pg from 'pg';
import type { AttemptOutcome } from './attempt-writes.ts';
import { flushAttempts } from './flush-attempts.ts';

/**
 * Records how attempts were lost whose process is about to end, on a connection of its own: those of the process hang
 * with it. Fenced as every outcome is: an attempt that has ended, or that another one has followed, stays as it is.
 */
export async function recordLostAttempts(
  databaseUrl: string,
  outcomes: readonly AttemptOutcome[],
): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'graphrun guard' });
  client.on('error', () => {});
  await client.connect();
  const writes = outcomes.map((write) => ({ type: 'end', write, answer: () => {}, fail: () => {} }) as const);
  await client.query('BEGIN');
  await flushAttempts(client, writes);
  await client.query('COMMIT');
  await client.end();
}
