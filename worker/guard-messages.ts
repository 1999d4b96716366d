// What the main thread and its guard share.
import type { RunError } from '../graph/transitions.ts';
import type { BoardMemory } from './attempt-board.ts';

/** From the main thread to the guard. */
export type GuardMessage =
  /** Told once each time that the heap fills up. */
  | { readonly type: 'filling'; readonly usedMb: number; readonly limitMb: number }
  /** The process ends, and waits for the guard's last word; `key` is of the attempt whose code ended it. */
  | {
      readonly type: 'exiting';
      readonly key: number | null;
      readonly code: number;
      readonly uncaught: RunError | null;
    };

export interface GuardSettings {
  readonly databaseUrl: string;
  /** Places of `places`. */
  readonly shared: SharedArrayBuffer;
  readonly board: BoardMemory;
}

/** Numbers that both threads see at once. */
export const places = {
  /** Grows while the main thread's event loop turns. */
  beats: 0,
  /** 1 while a debugger may hold the main thread. */
  isDebugged: 1,
  /** 1 when all that can be recorded is recorded. */
  isRecorded: 2,
} as const;

export const beatMs = 500;

/** How long the record of a worker's end may take. Transactions that the process leaves open are ended sooner (store/database.ts). */
export const recordMs = 5_000;
