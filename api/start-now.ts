import type { FastifyBaseLogger } from 'fastify';

/**
 * Tries to start a run whose row is stored. When that fails the run stays PENDING and is started later (watch/), so the
 * caller's trigger is acknowledged either way.
 */
export async function startNow(log: FastifyBaseLogger, start: () => Promise<unknown>): Promise<void> {
  try {
    await start();
  } catch (error) {
    log.warn({ err: error }, 'the run could not be started yet; it stays PENDING and is started later');
  }
}

/** Tries to tell Temporal of a request that is kept. When that fails it is told later (watch/). */
export async function tellNow(log: FastifyBaseLogger, tell: () => Promise<unknown>): Promise<void> {
  try {
    await tell();
  } catch (error) {
    log.warn({ err: error }, 'Temporal could not be told of the request yet; it is told later');
  }
}

/** Tries to tell Temporal of a schedule that is kept. When that fails it is told later (watch/). */
export async function applyNow(log: FastifyBaseLogger, apply: () => Promise<unknown>): Promise<void> {
  try {
    await apply();
  } catch (error) {
    log.warn({ err: error }, 'Temporal could not be told of the schedule yet; it is told later');
  }
}
