/** What a pino logger and Fastify's both have. */
interface Log {
  warn(data: { readonly err: unknown; readonly times: number }, message: string): void;
}

/** A logger for errors that come again every second while something is away: one line in `everyMs`, with their count. */
export function logSparingly(log: Log, message: string, everyMs = 30_000): (error: unknown) => void {
  let loggedAt = Number.NEGATIVE_INFINITY;
  let unlogged = 0;
  return (error) => {
    const now = performance.now();
    unlogged += 1;
    if (now - loggedAt < everyMs) return;
    log.warn({ err: error, times: unlogged }, message);
    loggedAt = now;
    unlogged = 0;
  };
}
