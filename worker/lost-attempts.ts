import type { Fence, RunError } from '../graph/transitions.ts';
import { faultOf, lossOf, type WorkerEnd } from '../graph/worker-ends.ts';
import type { AttemptSubject } from '../store/attempt-writes.ts';

/** An attempt whose code runs in this process. */
export interface RunningAttempt {
  readonly subject: AttemptSubject;
  readonly fence: Fence;
  readonly worker: string;
  readonly kind: string;
  readonly attempt: number;
}

export interface LostAttempt {
  readonly attempt: RunningAttempt;
  readonly isOffender: boolean;
  readonly error: RunError;
}

/** The key of the attempt whose code was found at work; `nobody` for code of no attempt; `unknown` when it could not be told. */
export type Found = number | 'nobody' | 'unknown';

/** What each attempt of a worker that ends is told. Pure. */
export function tellLost(
  running: ReadonlyMap<number, RunningAttempt>,
  found: Found,
  end: WorkerEnd,
): LostAttempt[] {
  const offender = findOffender([...running.keys()], found);
  return [...running].map(([key, attempt]) => {
    const isOffender = key === offender;
    const error = isOffender
      ? faultOf(attempt.subject.job, end)
      : lossOf(end, offender !== undefined, running.size);
    return { attempt, isOffender, error };
  });
}

/** Code that outlived its attempt, or runs in the context of a connection that another one opened, accuses nobody. */
function findOffender(keys: readonly number[], found: Found): number | undefined {
  if (found === 'unknown') return keys.length === 1 ? keys[0] : undefined;
  return keys.find((key) => key === found);
}
