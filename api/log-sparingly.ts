import type { FastifyBaseLogger } from 'fastify';

/** A logger for errors that come again every second while something is away: one line in `everyMs`, with their count. */
export function logSparingly(
  log: Pick<FastifyBaseLogger, 'warn'>,
  message: string,
  everyMs = 30_000,
): (error: unknown) => void {
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
