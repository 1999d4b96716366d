import pg from 'pg';
import { describeAilment, isConnectionLost, isConnectionState } from '../graph/connection-errors.ts';
import { CodedError } from '../graph/errors.ts';
import { Prisma } from './generated/client.ts';

/** Codes of Prisma that say the database cannot be reached, or has too many connections. */
const prismaCodes = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2037']);

/** Out of resources, or a lock not had in time: it passes by itself, as a lost connection does. */
const passingStates = /^(53|55P03)/;

/** True when the same statement may well succeed later: the world failed, not the statement. */
export function isConnectionError(error: unknown): boolean {
  if (error instanceof CodedError) return error.code === 'STORE_UNAVAILABLE';
  if (error instanceof Prisma.PrismaClientKnownRequestError && prismaCodes.has(error.code)) return true;
  if (error instanceof Prisma.PrismaClientInitializationError) return true;
  return isPassing(stateOf(error)) || isConnectionLost(error);
}

function isPassing(state: string): boolean {
  return isConnectionState(state) || passingStates.test(state);
}

/** What Postgres itself said; Prisma, which has hardly any codes of its own for it, keeps it as a cause. */
function stateOf(error: unknown): string {
  if (error instanceof pg.DatabaseError) return error.code ?? '';
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return '';
  const driverError = error.meta?.driverAdapterError;
  const cause = driverError instanceof Error ? driverError.cause : undefined;
  return typeof cause === 'object' && cause !== null && 'originalCode' in cause
    ? String(cause.originalCode)
    : '';
}

/** Gives connection-class errors their code; leaves all others as they are. */
export function translateDatabaseError(error: unknown): unknown {
  if (error instanceof CodedError || !isConnectionError(error)) return error;
  const ailment = describeAilment(stateOf(error));
  const message = `The metadata database (DATABASE_URL) ${ailment}; try again shortly.`;
  return new CodedError('STORE_UNAVAILABLE', message, { cause: error });
}

/** Wraps every function of a part of the store, so that callers meet coded errors only where a code exists. */
export function translateErrors<Part extends object>(part: Part): Part {
  return new Proxy(part, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof value !== 'function') return value;
      return async (...args: unknown[]) => {
        try {
          return await value.apply(target, args);
        } catch (error) {
          throw translateDatabaseError(error);
        }
      };
    },
  });
}
