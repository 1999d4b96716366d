import { type Bookkeeping, createBookkeeping } from './bookkeeping.ts';
import type { Dependencies } from './dependencies.ts';
import type { RunJobInput } from './resolve-job.ts';
import { runJob, type StartedAttempt } from './run-job.ts';

export type { Bookkeeping } from './bookkeeping.ts';

export interface JobActivities {
  /** `attempt` is put in by the worker's interceptor; workflows give the input alone. */
  runJob(input: RunJobInput, attempt?: StartedAttempt): Promise<unknown>;
}

export function createJobActivities(deps: Dependencies): JobActivities {
  return {
    runJob: async (input, attempt) => {
      if (!attempt)
        throw new Error('runJob needs the interceptor that records attempts; see worker/worker.ts');
      return runJob(deps, input, attempt);
    },
  };
}

/** Served on the task queue as local activities, and on the system queue beside it. */
export function createActivities(deps: Dependencies): JobActivities & Bookkeeping {
  return { ...createJobActivities(deps), ...createBookkeeping(deps) };
}
