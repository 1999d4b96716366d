import { setTimeout as delay } from 'node:timers/promises';
import { isPassing } from '../client/index.ts';

export interface AskAgain<Answer> {
  ask(): Promise<Answer>;
  /** True once it is the last one that is wanted. */
  take(answer: Answer): boolean;
  /** The server does not answer for the moment. */
  readonly wait?: ((error: unknown) => void) | undefined;
  readonly intervalMs: number;
  /** How long a server that does not answer is asked again; a minute unless told. */
  readonly patienceMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const patienceMsDefault = 60_000;
/** Share of the time that goes into asking: what takes long is asked less often. */
const idlePerAnswer = 4;

/**
 * Asks again and again, and resolves with the last answer.
 * @throws GraphrunError, ServerUnreachable once patience has run out, AbortError
 */
export async function askAgain<Answer>(options: AskAgain<Answer>): Promise<Answer> {
  const { ask, take, wait, intervalMs, patienceMs = patienceMsDefault, signal } = options;
  let answeredAt = performance.now();
  for (;;) {
    signal?.throwIfAborted();
    const askedAt = performance.now();
    try {
      const answer = await ask();
      answeredAt = performance.now();
      if (take(answer)) return answer;
    } catch (error) {
      if (!isPassing(error) || performance.now() - answeredAt > patienceMs) throw error;
      wait?.(error);
    }
    const tookMs = performance.now() - askedAt;
    await delay(Math.max(intervalMs, tookMs * idlePerAnswer), undefined, signal && { signal });
  }
}
