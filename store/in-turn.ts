import { CodedError } from '../graph/errors.ts';

/**
 * Runs work so many at once for each key; what is beyond waits outside, holding nothing. So a flood of one key leaves the
 * connections of this process to the others. Who has waited for longer than `waitMaxMs` is sent away.
 */
export function createTurns({
  atOnce,
  waitMaxMs,
}: {
  readonly atOnce: number;
  readonly waitMaxMs: number;
}): <Result>(key: string, work: () => Promise<Result>) => Promise<Result> {
  interface Line {
    under: number;
    readonly waiting: Set<() => void>;
  }
  const lines = new Map<string, Line>();

  const takeTurn = (key: string, { waiting }: Line): Promise<void> =>
    new Promise((resolve, reject) => {
      const go = (): void => {
        clearTimeout(late);
        waiting.delete(go);
        resolve();
      };
      const late = setTimeout(() => {
        waiting.delete(go);
        reject(tooLong(key, waitMaxMs));
      }, waitMaxMs);
      waiting.add(go);
    });

  return async (key, work) => {
    const line = lines.get(key) ?? { under: 0, waiting: new Set() };
    lines.set(key, line);
    // Who leaves hands its turn on, so that nobody who comes in between takes it.
    if (line.under >= atOnce) await takeTurn(key, line);
    else line.under += 1;
    try {
      return await work();
    } finally {
      const [next] = line.waiting;
      if (next) next();
      else {
        line.under -= 1;
        if (line.under === 0) lines.delete(key);
      }
    }
  };
}

/** @throws CodedError STORE_UNAVAILABLE, by whoever has waited */
function tooLong(key: string, waitMaxMs: number): CodedError {
  const message = `Project "${key}" is asked for so many runs at once, or locked for so long, that this one was not made within ${waitMaxMs} ms; try again shortly.`;
  return new CodedError('STORE_UNAVAILABLE', message);
}
