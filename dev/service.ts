import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { logEnd, logTail, rotateLog } from './log-file.ts';
import { send } from './processes.ts';

export interface ServiceExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process of the stack that runs. `exited` never rejects; `stop` may be called more than once. */
export interface Service {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  readonly exited: Promise<ServiceExit>;
  stop(): Promise<void>;
}

/** A service that did not come up. Its message holds the last lines of the service's log. */
export class ServiceStartError extends Error {
  override readonly name = 'ServiceStartError';
  readonly service: string;
  readonly log: string;

  constructor(input: { service: string; reason: string; logFile: string; logFrom: number; cause?: unknown }) {
    const log = logTail(input.logFile, input.logFrom);
    const lines = log === '' ? `Its log ${input.logFile} is empty.` : `The end of ${input.logFile}:\n${log}`;
    super(`${input.service} did not start: ${input.reason}\n${lines}`, { cause: input.cause });
    this.service = input.service;
    this.log = log;
  }
}

export interface SpawnOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  readonly stopSignal: NodeJS.Signals;
  readonly stopGraceMs: number;
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly ipc?: boolean;
  /** How `killServices` ends it; SIGKILL unless told. */
  readonly killSignal?: NodeJS.Signals;
}

export interface SpawnedService extends Service {
  readonly child: ChildProcess;
  /** Where the log of this start begins. */
  readonly logFrom: number;
  /** The error for a start that failed, with the log's last lines. */
  startError(reason: string, cause?: unknown): ServiceStartError;
}

/**
 * Starts a process whose output goes to its log file. It gets a process group of its own: a Ctrl-C in the terminal
 * reaches only the stack's main process, which ends the services in their order.
 */
export async function spawnService(options: SpawnOptions): Promise<SpawnedService> {
  const { name, logFile } = options;
  rotateLog(logFile);
  const logFrom = logEnd(logFile);
  const child = startChild(options);
  live.set(child, options.killSignal ?? 'SIGKILL');
  const exited = new Promise<ServiceExit>((resolve) => {
    child.once('exit', (code, signal) => {
      live.delete(child);
      resolve({ code, signal });
    });
  });
  const startError = (reason: string, cause?: unknown) =>
    new ServiceStartError({ service: name, reason, logFile, logFrom, cause });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) =>
      reject(startError(`${options.command} cannot be run: ${error.message}`, error)),
    );
  });
  // Later errors are of signals or messages to a process that has just ended; `exited` tells of that.
  child.on('error', () => {});
  const pid = child.pid;
  if (pid === undefined) throw startError(`${options.command} has no process id`);
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= stopChild(child, exited, options);
    return stopping;
  };
  return { name, pid, logFile, logFrom, child, exited, startError, stop };
}

const live = new Map<ChildProcess, NodeJS.Signals>();

/** Ends all services that this process has started, at once and without waiting: for its own sudden end. */
export function killServices(): void {
  for (const [child, signal] of live) child.kill(signal);
}

function startChild(options: SpawnOptions): ChildProcess {
  const log = openSync(options.logFile, 'a', 0o600);
  try {
    const stdio: StdioOptions = options.ipc ? ['ignore', log, log, 'ipc'] : ['ignore', log, log];
    return spawn(options.command, options.args, {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      stdio,
      ...(options.user && { uid: options.user.uid, gid: options.user.gid }),
    });
  } finally {
    closeSync(log);
  }
}

async function stopChild(
  child: ChildProcess,
  exited: Promise<ServiceExit>,
  options: SpawnOptions,
): Promise<void> {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  send(pid, options.stopSignal);
  const timer = setTimeout(() => send(pid, 'SIGKILL'), options.stopGraceMs);
  await exited;
  clearTimeout(timer);
}

/**
 * Waits until a service that was just spawned is ready; stops it when it does not get there.
 * @throws ServiceStartError when it ends before, or when `ready` fails.
 */
export async function untilReady<T>(
  service: SpawnedService,
  ready: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const end = service.exited.then((exit) => {
    throw service.startError(`it ended with ${describeExit(exit)}`);
  });
  // Its end after it became ready is for the supervisor.
  end.catch(() => {});
  try {
    return await Promise.race([ready(over.signal), end]);
  } catch (error) {
    await service.stop();
    if (error instanceof ServiceStartError) throw error;
    throw service.startError(error instanceof Error ? error.message : String(error), error);
  } finally {
    over.abort();
  }
}

/** How a process ended, in words. */
export function describeExit(exit: ServiceExit): string {
  return exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
}
