import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  /** What is waited for, as the end of the sentence "timed out after 5 s waiting for ...". */
  readonly what: string;
  readonly timeoutMs: number;
  readonly everyMs?: number;
  /** Ends the wait with the signal's reason. */
  readonly signal?: AbortSignal;
  /** What is behind "not yet"; told when the time is over. */
  readonly lastError?: () => unknown;
}

/**
 * Polls until `condition` returns something other than undefined, and returns that. A condition that throws ends the
 * wait with its error: it says "not yet" by returning undefined.
 * @throws Error when the time is over.
 */
export async function waitFor<T>(
  condition: () => T | undefined | Promise<T | undefined>,
  options: WaitOptions,
): Promise<T> {
  const deadline = performance.now() + options.timeoutMs;
  for (;;) {
    options.signal?.throwIfAborted();
    const value = await condition();
    if (value !== undefined) return value;
    if (performance.now() > deadline) {
      const cause = options.lastError?.();
      const detail = cause instanceof Error ? `: ${cause.message}` : '';
      throw new Error(`timed out after ${options.timeoutMs / 1000} s waiting for ${options.what}${detail}`, {
        cause,
      });
    }
    await delay(options.everyMs ?? 25);
  }
}
