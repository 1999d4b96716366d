// Finds the job that takes its worker down. What blocks the event loop cannot be seen from within it: a thread watches.
import { AsyncLocalStorage } from 'node:async_hooks';
import inspector from 'node:inspector';
import { getHeapStatistics } from 'node:v8';
import { Worker } from 'node:worker_threads';
import type { RunError } from '../graph/transitions.ts';
import { allocateBoard, writeBoard } from './attempt-board.ts';
import { beatMs, type GuardMessage, type GuardSettings, places, recordMs } from './guard-messages.ts';
import { describeError } from './interceptors/classify-failure.ts';
import type { RunningAttempt } from './lost-attempts.ts';
import { attemptStorage } from './pause-main-thread.ts';

export interface Guard {
  /** Runs an attempt's code so that it is known for the attempt's, whatever it calls or awaits. */
  run<Result>(attempt: RunningAttempt, work: () => Promise<Result>): Promise<Result>;
  /** From here on the process may end. */
  stop(): Promise<void>;
}

export interface GuardOptions {
  readonly databaseUrl: string;
  /** How many attempts run at once, at most. */
  readonly jobsAtOnce: number;
  /** The guard itself failed: the worker goes on without it. */
  onError(error: unknown): void;
}

/**
 * Watches this process: a job that blocks the event loop for longer than `blockedMaxMs` (worker/guard-thread.ts), calls
 * `process.exit` or leaves an error uncaught is named in the log and on its attempt, and the process ends.
 */
export function startGuard({ databaseUrl, jobsAtOnce, onError }: GuardOptions): Guard {
  const current = new AsyncLocalStorage<number>();
  Reflect.set(globalThis, Symbol.for(attemptStorage), current);
  const shared = new SharedArrayBuffer(Object.keys(places).length * Int32Array.BYTES_PER_ELEMENT);
  const numbers = new Int32Array(shared);
  const board = allocateBoard(jobsAtOnce);
  const running = writeBoard(board);
  const settings: GuardSettings = { databaseUrl, shared, board };
  const thread = new Worker(new URL('./guard-thread.ts', import.meta.url), { workerData: settings });
  thread.unref();
  const tell = (message: GuardMessage): void => thread.postMessage(message);

  let isFilling = false;
  const lookAtHeap = (): void => {
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    const wasFilling = isFilling;
    isFilling = used > limit * (wasFilling ? heapShareToForget : heapShareToTell);
    if (isFilling && !wasFilling)
      tell({ type: 'filling', usedMb: Math.round(used / 2 ** 20), limitMb: Math.round(limit / 2 ** 20) });
  };
  const beat = setInterval(() => {
    lookAtHeap();
    Atomics.store(numbers, places.isDebugged, inspector.url() === undefined ? 0 : 1);
    Atomics.add(numbers, places.beats, 1);
  }, beatMs).unref();

  let uncaught: RunError | null = null;
  const onUncaught = (error: unknown): void => {
    uncaught = describeError(error);
  };
  const onExit = (code: number): void => {
    tell({ type: 'exiting', key: current.getStore() ?? null, code, uncaught });
    // The thread goes on while this one waits; nothing asynchronous would run here any more.
    Atomics.wait(numbers, places.isRecorded, 0, recordMs);
    // Nobody asked for a stop: whoever supervises the process starts a new one.
    if (code === 0) process.exitCode = exitCode;
  };
  process.on('uncaughtExceptionMonitor', onUncaught);
  process.on('exit', onExit);
  const leave = (): void => {
    clearInterval(beat);
    process.off('uncaughtExceptionMonitor', onUncaught);
    process.off('exit', onExit);
  };
  thread.on('error', onError);
  thread.on('exit', leave);

  let lastKey = 0;
  return {
    run: async (attempt, work) => {
      lastKey += 1;
      const key = lastKey;
      const place = running.add(key, attempt);
      try {
        return await current.run(key, work);
      } finally {
        if (place !== undefined) running.remove(place);
      }
    },
    stop: async () => {
      leave();
      await thread.terminate();
    },
  };
}

/** V8 gives up well below its limit: what remains then is for young objects. */
const heapShareToTell = 0.7;
const heapShareToForget = 0.5;

/** Of a process that a job ended with 0. */
const exitCode = 1;
