// What the benchmark's worker process can be asked over IPC: memory and CPU can only be read in the process itself.
import type { ChildProcess } from 'node:child_process';
import type { ProcessUsage } from './usage.ts';

/** In bytes. */
export interface MemoryUse {
  /** All of the process, with the native part of the Temporal SDK. */
  readonly rss: number;
  readonly heapUsed: number;
  /** Buffers and the like, outside of the heap. */
  readonly external: number;
}

export interface WorkerAnswers {
  readonly usage: ProcessUsage;
  readonly memory: MemoryUse;
}

export type WorkerQuestion = keyof WorkerAnswers;

/** One question at a time. */
export function askWorker<Question extends WorkerQuestion>(
  child: ChildProcess,
  question: Question,
): Promise<WorkerAnswers[Question]> {
  return new Promise((resolve, reject) => {
    child.once('message', (answer: WorkerAnswers[Question]) => resolve(answer));
    child.send(question, (error) => error && reject(error));
  });
}

/** Memory of this process, without what nobody holds where --expose-gc was given. */
export function readMemory(): MemoryUse {
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heapUsed, external };
}
