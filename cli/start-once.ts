import { randomUUID } from 'node:crypto';
import { isPassing } from '../client/index.ts';
import type { Session } from './command.ts';

/** Starts a run. Where it is not known whether one was started, the key by which to ask for it again is told. */
export async function startOnce<Run>(
  { note }: Session,
  givenKey: string | undefined,
  start: (idempotencyKey: string) => Promise<Run>,
): Promise<Run> {
  const idempotencyKey = givenKey ?? randomUUID();
  try {
    return await start(idempotencyKey);
  } catch (error) {
    if (isPassing(error)) {
      note(`to repeat this without a second run: --idempotency-key ${idempotencyKey}`);
    }
    throw error;
  }
}
