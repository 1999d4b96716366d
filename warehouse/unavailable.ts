import pg from 'pg';
import { describeAilment, isConnectionLost } from '../graph/connection-errors.ts';
import { CodedError } from '../graph/errors.ts';

/** Gives a lost connection its code, so that who works in the warehouse can wait for it; leaves other errors as they are. */
export function translateLostConnection(error: unknown): unknown {
  if (error instanceof CodedError || !isConnectionLost(error)) return error;
  const ailment = describeAilment(error instanceof pg.DatabaseError ? (error.code ?? '') : '');
  const message = `The warehouse (WAREHOUSE_URL) ${ailment}; try again shortly.`;
  return new CodedError('WAREHOUSE_UNAVAILABLE', message, { cause: error });
}

/** @throws CodedError WAREHOUSE_UNAVAILABLE where the connection is lost, else what `work` throws */
export async function orUnavailable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw translateLostConnection(error);
  }
}
