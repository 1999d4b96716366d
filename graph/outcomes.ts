import type { GraphFailure, JobFailure } from './states.ts';

/** Temporal's words for how a workflow execution stands. */
export type ExecutionStatus =
  | 'RUNNING'
  | 'PAUSED'
  | 'COMPLETED'
  | 'FAILED'
  | 'CANCELLED'
  | 'TERMINATED'
  | 'TIMED_OUT'
  | 'CONTINUED_AS_NEW';

/** What an execution's end means for rows that it left open. */
export interface Outcome {
  /** How the run ends when its execution did not tell by itself. */
  readonly run: GraphFailure;
  /** How its jobs end that had not. */
  readonly jobs: JobFailure;
}

/**
 * The one table from Temporal's outcomes to ours; null where the run goes on. An execution that ended by itself has
 * written its end, or its history tells it: what neither told is `lost`. Nothing becomes SUCCESS by default.
 */
const outcomes: Record<ExecutionStatus, Outcome | null> = {
  RUNNING: null,
  PAUSED: null,
  CONTINUED_AS_NEW: null,
  COMPLETED: { run: 'lost', jobs: 'lost' },
  FAILED: { run: 'lost', jobs: 'lost' },
  CANCELLED: { run: 'cancelled', jobs: 'cancelled' },
  TERMINATED: { run: 'terminated', jobs: 'terminated' },
  TIMED_OUT: { run: 'timed_out', jobs: 'timed_out' },
};

/** What an end means; a terminate by which a cancel was carried out (workflows/contract.ts) is one. */
export function outcomeOf(status: ExecutionStatus, isCancelTermination: boolean): Outcome | null {
  return outcomes[status === 'TERMINATED' && isCancelTermination ? 'CANCELLED' : status];
}

export function isExecutionStatus(name: string): name is ExecutionStatus {
  return Object.hasOwn(outcomes, name);
}

/** The run goes on. */
export function isOngoing(status: ExecutionStatus): boolean {
  return outcomes[status] === null;
}
