import { limits } from '../graph/limits.ts';

/** What the server says of the history of the execution, at the workflow task under way. */
export interface HistoryUse {
  readonly events: number;
  readonly bytes: number;
  /** By the server's own measure: from 4,096 events, or 4 MiB, unless it is set otherwise. */
  readonly isLong: boolean;
}

/** `start` jobs that are ready; `drain`: start none until those in flight have ended; `continue` in a new execution. */
export type NextStep = 'start' | 'drain' | 'continue';

/**
 * Activities do not survive the end of an execution, so a run goes on in a new one only while nothing is in flight: from
 * a long history on wherever that happens by itself, and at the limits by waiting for it.
 */
export function nextStep(history: HistoryUse, inFlight: number): NextStep {
  const isFull = history.events >= limits.historyEvents || history.bytes >= limits.historyBytes;
  if (inFlight === 0 && (history.isLong || isFull)) return 'continue';
  return isFull ? 'drain' : 'start';
}
