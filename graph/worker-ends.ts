// Why a worker ended, where that is known. A worker that a job takes down is all that the other jobs of it see.
import type { RunError } from './transitions.ts';

/** `stack` and `uncaught` say where in the job's code, as far as that is known. */
export type WorkerEnd =
  | { readonly how: 'blocked'; readonly forMs: number; readonly stack: string | null }
  | { readonly how: 'exited'; readonly code: number; readonly uncaught: RunError | null };

const types = { blocked: 'WorkerBlocked', exited: 'WorkerExited', lost: 'WorkerLost' } as const;

/** Errors of attempts that ended their own worker. */
export const workerFaults: readonly string[] = [types.blocked, types.exited];

/** A job that has ended so many workers is not tried again: each took the other jobs that it ran along. */
export const workersEndedMax = 2;

/** True for an error that says more of a lost attempt than the heartbeat time-out that Temporal sees. */
export function tellsWorkerEnd(error: RunError | null): boolean {
  return error !== null && (error.type === types.lost || workerFaults.includes(error.type));
}

/** The error of the attempt that ended its worker. */
export function faultOf(job: string, end: WorkerEnd): RunError {
  if (end.how === 'blocked') {
    const message = `Job "${job}" blocked the event loop of its worker for ${end.forMs / 1_000} s, so that no other job could go on; the worker was ended. Await between steps, and move long computations to a child process or a worker thread.`;
    return { type: types.blocked, message, ...(end.stack !== null && { stack: end.stack }) };
  }
  const { uncaught } = end;
  if (uncaught) {
    const cause = `${uncaught.type}: ${uncaught.message}`;
    const message = `An error that job "${job}" did not catch ended its worker, and all other jobs of it: ${cause}. Await every promise, and catch errors in timers and event handlers.`;
    return { type: types.exited, message, ...(uncaught.stack !== undefined && { stack: uncaught.stack }) };
  }
  const message = `Job "${job}" ended its worker, and all other jobs of it, with process.exit(${end.code}). Return or throw in place of it, or call it in a child process.`;
  return { type: types.exited, message };
}

/** The error of an attempt that was lost with its worker; `jobs` ran in it when it ended. */
export function lossOf(end: WorkerEnd, isOffenderKnown: boolean, jobs: number): RunError {
  const deed = end.how === 'blocked' ? 'blocked the event loop' : 'ended the process';
  const message = isOffenderKnown
    ? `Another job ${deed} of the worker; this attempt was lost with it.`
    : `Something ${deed} of the worker, perhaps one of the ${jobs} jobs that ran in it: it cannot be told which. This attempt was lost with it.`;
  return { type: types.lost, message };
}
