import type { Home } from './home.ts';
import { checkout } from './home.ts';
import { endOrphan, removePidFile, writePidFile } from './pid-file.ts';
import { type Service, type SpawnedService, spawnService, untilReady } from './service.ts';

export interface NodeServiceOptions {
  readonly name: string;
  /** Absolute path of its entry point. */
  readonly script: string;
  /** Of Node. */
  readonly flags?: readonly string[];
  readonly home: Home;
  readonly env: NodeJS.ProcessEnv;
  readonly readyTimeoutMs?: number;
}

export interface NodeService extends Service {
  /** The URL that it told with its ready message, if it told one. */
  readonly url: string | undefined;
}

const stop = { signal: 'SIGTERM', graceMs: 15_000 } as const;

/**
 * Starts one of our own processes, and returns when it says that it is ready: by an IPC message
 * `{ type: 'ready', url? }`. The channel's end tells it that this process is gone, and it ends itself.
 */
export async function startNodeService(options: NodeServiceOptions): Promise<NodeService> {
  const { home, name } = options;
  await endNodeOrphan(home, name);
  const service = await spawnService({
    name,
    command: process.execPath,
    args: [...(options.flags ?? []), options.script],
    cwd: checkout,
    env: options.env,
    logFile: `${home.logs}/${name}.log`,
    stopSignal: stop.signal,
    stopGraceMs: stop.graceMs,
    ipc: true,
  });
  writePidFile(home, name, service.pid);
  const removeNote = () => removePidFile(home, name);
  try {
    const url = await untilReady(service, () => ready(service, options.readyTimeoutMs ?? 60_000));
    return { ...service, stop: () => service.stop().then(removeNote), url };
  } catch (error) {
    removeNote();
    throw error;
  }
}

/** Ends the process of that name that a killed start left behind, should it not have ended itself. */
export function endNodeOrphan(home: Home, name: string): Promise<number | undefined> {
  return endOrphan(home, name, stop);
}

function ready(service: SpawnedService, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`it did not say that it is ready within ${timeoutMs / 1000} s`));
    const timer = setTimeout(late, timeoutMs);
    const clear = () => clearTimeout(timer);
    service.exited.then(clear);
    service.child.on('message', (content) => {
      if (!isReady(content)) return;
      clear();
      resolve(typeof content.url === 'string' ? content.url : undefined);
    });
  });
}

function isReady(content: unknown): content is { type: 'ready'; url?: unknown } {
  return typeof content === 'object' && content !== null && 'type' in content && content.type === 'ready';
}
