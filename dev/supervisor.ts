import { setTimeout as delay } from 'node:timers/promises';
import type { Service, ServiceExit } from './service.ts';

export interface SupervisorEvents {
  /** A service ended by itself; it is started again after `delayMs`. */
  ended(service: Service, exit: ServiceExit, delayMs: number): void;
  /** A new start failed; the next try comes after `delayMs`. */
  startFailed(name: string, error: unknown, delayMs: number): void;
  /** The service is up again. */
  restarted(service: Service, ms: number): void;
}

interface Kept {
  service: Service;
  readonly stopping: AbortController;
  readonly loop: Promise<void>;
}

const firstDelayMs = 250;
const lastDelayMs = 5_000;
// A service that ran for so long did not fail because of its start: it begins with the shortest delay again.
const steadyMs = 30_000;

/** Keeps services running: one that ends by itself is started again, with a growing delay, until it is stopped. */
export class Supervisor {
  readonly #events: SupervisorEvents;
  readonly #kept = new Map<string, Kept>();

  constructor(events: SupervisorEvents) {
    this.#events = events;
  }

  /**
   * Starts a service and keeps it running from then on.
   * @throws what `start` throws the first time; the service is not kept then.
   */
  async start<S extends Service>(name: string, start: () => Promise<S>): Promise<S> {
    const service = await start();
    const stopping = new AbortController();
    const kept: Kept = { service, stopping, loop: Promise.resolve().then(() => this.#keep(kept, start)) };
    this.#kept.set(name, kept);
    return service;
  }

  /** The process ids now, by name. */
  pids(): Record<string, number> {
    return Object.fromEntries([...this.#kept].map(([name, { service }]) => [name, service.pid]));
  }

  /** Ends a service for good, also while it is being started again. One that is not kept is no error. */
  async stop(name: string): Promise<void> {
    const kept = this.#kept.get(name);
    if (kept === undefined) return;
    kept.stopping.abort();
    await kept.service.stop();
    await kept.loop;
    this.#kept.delete(name);
  }

  async #keep(kept: Kept, start: () => Promise<Service>): Promise<void> {
    const { signal } = kept.stopping;
    let delayMs = firstDelayMs;
    while (!signal.aborted) {
      const begun = performance.now();
      const exit = await kept.service.exited;
      if (signal.aborted) return;
      if (performance.now() - begun > steadyMs) delayMs = firstDelayMs;
      this.#events.ended(kept.service, exit, delayMs);
      delayMs = await this.#startAgain(kept, start, delayMs);
    }
  }

  async #startAgain(kept: Kept, start: () => Promise<Service>, firstDelay: number): Promise<number> {
    const { signal } = kept.stopping;
    let delayMs = firstDelay;
    for (;;) {
      await delay(delayMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return delayMs;
      delayMs = Math.min(delayMs * 2, lastDelayMs);
      const begun = performance.now();
      try {
        const service = await start();
        kept.service = service;
        if (signal.aborted) await service.stop();
        else this.#events.restarted(service, performance.now() - begun);
        return delayMs;
      } catch (error) {
        if (!signal.aborted) this.#events.startFailed(kept.service.name, error, delayMs);
      }
    }
  }
}
