import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { CodedError } from '../../graph/errors.ts';
import { limits } from '../../graph/limits.ts';
import type { RetryRules } from '../../graph/rules.ts';
import type { AttemptEnd, RunError } from '../../graph/transitions.ts';
import { retryDelayOf, tellCap } from './retry-delay.ts';

/** Why an activity was told to stop, in Temporal's words; undefined when it was not. */
export interface CancelWords {
  readonly cancelRequested: boolean;
  readonly reset: boolean;
  readonly paused: boolean;
  readonly workerShutdown: boolean;
  readonly timedOut: boolean;
  readonly notFound: boolean;
}

export interface FailedAttempt {
  readonly error: unknown;
  readonly cancel: CancelWords | undefined;
  readonly attempt: number;
  /** The job's own, as the workflow schedules it: servers do not tell it to every attempt (seen with eager ones). */
  readonly retry: RetryRules;
  /** When it failed. */
  readonly at: Date;
}

/** What to write for an attempt that failed: an end, another try, or nothing (null) where others write it. Pure. */
export function classifyFailure(failed: FailedAttempt): AttemptEnd | null {
  const { cancel } = failed;
  const error = describeError(failed.error);
  // What an attempt has done in a warehouse that does not answer is for the settling to find out.
  const isUnknown = failed.error instanceof CodedError && failed.error.code === 'WAREHOUSE_UNAVAILABLE';
  if (cancel) {
    if (cancel.timedOut || cancel.notFound) return null;
    if (cancel.cancelRequested && isUnknown) return null;
    if (cancel.cancelRequested)
      return { kind: 'failure', end: { state: 'FAILED', reason: 'cancelled' }, error };
    return { kind: 'retry', reason: 'lost', error };
  }
  const reason = typeOf(failed.error) === 'JOB_TIMED_OUT' ? 'timed_out' : 'error';
  if (isUnknown && isLastAttempt(failed)) return null;
  if (isLastAttempt(failed)) return { kind: 'failure', end: { state: 'FAILED', reason }, error };
  const delay = retryDelayOf(failed.error);
  const retryAt = delay && new Date(failed.at.getTime() + delay.ms).toISOString();
  return { kind: 'retry', reason, error: { ...error, ...(retryAt !== null && { retryAt }) } };
}

/** Errors of the user's input are final at once: another try ends the same. */
export function isFinalError(error: unknown, retry: RetryRules): boolean {
  if (error instanceof ApplicationFailure && error.nonRetryable) return true;
  // One that says when to try again (429 with a Retry-After) is not final for its status.
  const isUsers = error instanceof CodedError && error.status >= 400 && error.status < 500;
  if (isUsers && retryDelayOf(error) === null) return true;
  return namesOf(error).some((name) => retry.nonRetryableErrors.includes(name));
}

/**
 * What people may call an error in `nonRetryableErrors`: its type as it is shown, its class (which many leave without a
 * name of its own), and its code: one of ours, a system's (ECONNREFUSED) or a database's (40001).
 */
function namesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [typeOf(error)];
  const code = 'code' in error && typeof error.code === 'string' ? [error.code] : [];
  return [typeOf(error), error.name, error.constructor.name, ...code];
}

/** The type that is shown: a code of ours, or the error's own name. */
export function typeOf(error: unknown): string {
  if (error instanceof CodedError) return isLeftBehind(error) ? 'JOB_TIMED_OUT' : error.code;
  if (error instanceof ApplicationFailure) return error.type ?? error.name;
  return error instanceof Error ? error.name : 'Error';
}

/** Its time was out and it did not stop: what it does in the warehouse since is not known, why it ended is. */
function isLeftBehind({ code, cause }: CodedError): boolean {
  return code === 'WAREHOUSE_UNAVAILABLE' && cause instanceof CodedError && cause.code === 'JOB_TIMED_OUT';
}

/** An error as it is kept: bounded, and with what people need to mend it. */
export function describeError(error: unknown): RunError {
  const message = error instanceof Error ? error.message : String(error);
  const cause = error instanceof Error ? error.cause : undefined;
  return {
    type: error instanceof CancelledFailure ? 'Cancelled' : typeOf(error),
    message: cut(message + tellCap(error)),
    ...(error instanceof CodedError && { code: error.code }),
    ...(error instanceof CodedError && Object.keys(error.data).length > 0 && { data: error.data }),
    ...(error instanceof Error &&
      !(error instanceof CodedError) &&
      error.stack && { stack: cut(error.stack) }),
    ...(cause instanceof Error && { cause: cut(`${cause.name}: ${cause.message}`) }),
  };
}

function isLastAttempt({ error, attempt, retry }: FailedAttempt): boolean {
  return isFinalError(error, retry) || attempt >= retry.maximumAttempts;
}

/** Postgres takes neither NUL nor half a surrogate pair. */
function cut(text: string): string {
  return text.slice(0, limits.errorMessageChars).toWellFormed().replaceAll('\0', '\uFFFD');
}
