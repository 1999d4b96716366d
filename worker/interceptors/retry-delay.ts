import { ApplicationFailure } from '@temporalio/common';
import { msOptionalToNumber } from '@temporalio/common/lib/time.js';
import { CodedError, RetryLater } from '../../graph/errors.ts';
import { limits } from '../../graph/limits.ts';

export interface RetryDelay {
  /** Until the next attempt. */
  readonly ms: number;
  /** What the error asked for, where that is more than is allowed. */
  readonly askedMs: number | null;
}

/** When the next attempt is to begin, where the error says so: as a server does by `Retry-After`. Null where it does not. */
export function retryDelayOf(error: unknown): RetryDelay | null {
  const asked = askedBy(error);
  if (asked === undefined || Number.isNaN(asked)) return null;
  // Temporal takes no delay at all for none that was told, and backs off.
  const ms = Math.min(Math.max(Math.ceil(asked), 1), limits.retryAfterMs);
  return { ms, askedMs: asked > limits.retryAfterMs ? asked : null };
}

function askedBy(error: unknown): number | undefined {
  if (error instanceof CodedError || error instanceof RetryLater) return error.retryAfterMs;
  return error instanceof ApplicationFailure
    ? msOptionalToNumber(error.nextRetryDelay ?? undefined)
    : undefined;
}

/** Added to the message of an error that asked for more. */
export function tellCap(error: unknown): string {
  const { askedMs } = retryDelayOf(error) ?? { askedMs: null };
  if (askedMs === null) return '';
  return ` (asked to wait ${askedMs / 1_000} s before the next attempt; at most ${limits.retryAfterMs / 1_000} s are waited)`;
}
