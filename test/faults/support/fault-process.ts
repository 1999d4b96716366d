import { send } from '../../../dev/processes.ts';
import type { Service, ServiceExit } from '../../../dev/service.ts';
import { until } from '../../support/until.ts';

export interface FaultProcessOptions {
  readonly name: string;
  start(env: NodeJS.ProcessEnv): Promise<Service>;
  /** Ends it without a word to its clients: SIGKILL, unless children of its own would be left behind. */
  readonly killSignal?: NodeJS.Signals;
}

/** A process that a test kills, freezes and starts again, at the same port. Nothing else starts it. */
export class FaultProcess {
  readonly name: string;
  readonly #options: FaultProcessOptions;
  #service: Service | undefined;
  #exit: ServiceExit | undefined;

  constructor(options: FaultProcessOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#service !== undefined && this.#exit === undefined;
  }

  /** @throws Error when it does not run */
  get pid(): number {
    if (this.#service === undefined || this.#exit !== undefined) throw new Error(`${this.name} does not run`);
    return this.#service.pid;
  }

  /** Resolves once it is ready; at once when it runs. What is given for this start is laid over its environment. */
  async start(env: NodeJS.ProcessEnv = {}): Promise<void> {
    if (this.isRunning) return;
    const service = await this.#options.start(env);
    this.#service = service;
    this.#exit = undefined;
    void service.exited.then((exit) => {
      if (this.#service === service) this.#exit = exit;
    });
  }

  /** Kills it, frozen or not, and waits until it is gone. */
  async kill(): Promise<void> {
    if (!this.isRunning) return;
    send(this.pid, this.#options.killSignal ?? 'SIGKILL');
    await this.#service?.exited;
  }

  /** Asks it to end and waits until it has done so by itself. Resolves with how it ended and how long it took. */
  async drain(withinMs = 30_000): Promise<ServiceExit & { readonly ms: number }> {
    const begun = performance.now();
    send(this.pid, 'SIGTERM');
    const exit = await until(() => this.#exit, `${this.name} ends by itself`, withinMs);
    return { ...exit, ms: performance.now() - begun };
  }

  /** Stops it in the middle of whatever it does, until `thaw`. */
  freeze(): void {
    send(this.pid, 'SIGSTOP');
  }

  thaw(): void {
    if (this.isRunning) send(this.pid, 'SIGCONT');
  }

  /** Ends it as the local stack does; may be called at any time. */
  async stop(): Promise<void> {
    this.thaw();
    await this.#service?.stop();
  }
}
