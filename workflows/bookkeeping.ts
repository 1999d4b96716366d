// Bookkeeping of a workflow: a local activity first, which costs no trip through the server's queues; where it does not
// end within seconds (Postgres is away), an activity on the system queue, tried until it succeeds.
import {
  type ActivityInterfaceFor,
  CancellationScope,
  isCancellation,
  type LocalActivityInterfaceFor,
  proxyActivities,
  proxyLocalActivities,
  TemporalFailure,
  workflowInfo,
} from '@temporalio/workflow';
import type { Bookkeeping } from '../activities/index.ts';
import { localActivityTimeoutMs, systemTaskQueue } from './contract.ts';

export const local: LocalActivityInterfaceFor<Bookkeeping> = proxyLocalActivities<Bookkeeping>({
  startToCloseTimeout: localActivityTimeoutMs,
  retry: { maximumAttempts: 1 },
});

/** Activities on the system queue: jobs of hours hold none of its slots. */
export function queued(activityId: string): ActivityInterfaceFor<Bookkeeping> {
  return proxyActivities<Bookkeeping>({
    activityId,
    taskQueue: systemTaskQueue(workflowInfo().taskQueue),
    startToCloseTimeout: '1 minute',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '5 seconds' },
  });
}

/** Runs `first`, and `then` if that fails. A cancel of the workflow does not cut bookkeeping short. */
export async function locallyOrQueued<Result>(
  first: () => Promise<Result>,
  then: () => Promise<Result>,
): Promise<Result> {
  return CancellationScope.nonCancellable(async () => {
    try {
      return await first();
    } catch (error) {
      // A local activity that fails tells so by its own error, one that times out by an ActivityFailure.
      if (isCancellation(error) || !(error instanceof TemporalFailure)) throw error;
      return then();
    }
  });
}
