/** Codes of Node that say a server cannot be reached, not that it refused. */
const nodeCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** What node-postgres says where the connection itself failed: such errors have no code. */
const driverMessages =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|not queryable|Query read timeout|Cannot use a pool after|Client was closed/;

/**
 * Connections lost or refused, a server that starts, stops or recovers, one with too many connections, a standby, a
 * transaction that stood still for too long.
 */
const connectionStates = /^(08|57P|53300|25006|25P03)/;

/** True for a state of Postgres, by its five characters, in which it carries out no statement of anybody, or no write. */
export function isConnectionState(state: string): boolean {
  return connectionStates.test(state);
}

/**
 * True when the same statement of node-postgres may well succeed later, since the connection failed and not the statement.
 * Errors are read by their form, so that each folder that talks to Postgres asks the same.
 */
export function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  if ('severity' in error) return isConnectionState(code);
  if (nodeCodes.has(code) || driverMessages.test(error.message)) return true;
  if (error instanceof AggregateError) return error.errors.some(isConnectionLost);
  return error.cause !== undefined && isConnectionLost(error.cause);
}

/** By the beginning of the state that the server told. */
const ailments: readonly (readonly [state: string, ailment: string])[] = [
  ['25006', 'takes no writes at the moment: it is read-only, or a standby'],
  ['53100', 'has no disk space left'],
  ['53200', 'has no memory left'],
  ['53300', 'has no connection left'],
  ['55P03', 'is blocked by another transaction'],
  ['57P', 'starts or stops, or had the connection ended'],
];

/** What ails a server that is away for now, after its name: in words of ours, since those of a server may tell too much. */
export function describeAilment(state: string): string {
  return ailments.find(([beginning]) => state.startsWith(beginning))?.[1] ?? 'does not answer';
}
