import { GraphrunError, isPassing, ServerUnreachable } from '../client/index.ts';

/** Scripts branch on these. */
export const exitCodes = {
  done: 0,
  /** The run that was waited for has failed. */
  runFailed: 1,
  /** Wrong use, or an input that the server refused. */
  refused: 2,
  /** No server, or one that cannot serve at the moment: the same command may succeed later. */
  unreachable: 3,
  /** A bug in this program. */
  broken: 70,
  /** Ctrl-C. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The command was used in a wrong way, or its input cannot be read; the message says what to do. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return exitCodes.refused;
  if (error instanceof ServerUnreachable) return exitCodes.unreachable;
  if (error instanceof GraphrunError) return isPassing(error) ? exitCodes.unreachable : exitCodes.refused;
  return exitCodes.broken;
}
