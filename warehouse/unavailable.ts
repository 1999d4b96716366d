import pg from 'pg';
import { describeAilment, isConnectionLost } from '../graph/connection-errors.ts';
import { CodedError } from '../graph/errors.ts';

/** Out of disk, memory or the like. */
const outOfResources = /^53/;

/** True where a statement of the platform's own may well succeed later: it needs next to nothing of the server. */
export function isAway(error: unknown): boolean {
  return isConnectionLost(error) || outOfResources.test(stateOf(error));
}

/**
 * Gives what passes by itself a code, so that who works in the warehouse can wait for it; leaves other errors as they are.
 * @throws CodedError WAREHOUSE_UNAVAILABLE, else what `work` throws
 */
export function orUnavailable<T>(work: () => Promise<T>): Promise<T> {
  return translating(work, isAway);
}

/** The same for statements of users, who may themselves be why resources run out: for lost connections alone. */
export function orConnectionLost<T>(work: () => Promise<T>): Promise<T> {
  return translating(work, isConnectionLost);
}

async function translating<T>(work: () => Promise<T>, passes: (error: unknown) => boolean): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CodedError || !passes(error)) throw error;
    const message = `The warehouse (WAREHOUSE_URL) ${describeAilment(stateOf(error))}; try again shortly.`;
    throw new CodedError('WAREHOUSE_UNAVAILABLE', message, { cause: error });
  }
}

function stateOf(error: unknown): string {
  return error instanceof pg.DatabaseError ? (error.code ?? '') : '';
}
