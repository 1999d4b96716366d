/**
 * Runs work so many at once for each key; what is beyond waits outside, holding nothing. So a flood of one key leaves the
 * connections of this process to the others.
 */
export function createTurns(
  atOnce: number,
): <Result>(key: string, work: () => Promise<Result>) => Promise<Result> {
  interface Line {
    under: number;
    readonly waiting: (() => void)[];
  }
  const lines = new Map<string, Line>();
  return async (key, work) => {
    const line = lines.get(key) ?? { under: 0, waiting: [] };
    lines.set(key, line);
    // Who leaves hands its turn on, so that nobody who comes in between takes it.
    if (line.under >= atOnce) await new Promise<void>((go) => line.waiting.push(go));
    else line.under += 1;
    try {
      return await work();
    } finally {
      const next = line.waiting.shift();
      if (next) next();
      else {
        line.under -= 1;
        if (line.under === 0) lines.delete(key);
      }
    }
  };
}
