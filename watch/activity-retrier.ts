import type { RetryToTell } from '../store/retry-jobs.ts';
import { type CallOptions, unlessGone } from './canceller.ts';
import { type PendingActivity, readPendingActivities } from './pending-activities.ts';

export interface ActivityRetrier {
  /**
   * Lets the next attempt of a job begin that waits for it; nothing where it does not, or begins by itself in a moment. Told
   * twice is the same as once.
   * @throws CodedError TEMPORAL_UNAVAILABLE: it may be told again at any time
   */
  retryNow(retry: RetryToTell): Promise<void>;
}

/** The end of a pause begins the next attempt at once, and keeps the count of attempts, as a reset does not. */
const pauseReason = 'graphrun: retry now';
/** An attempt that runs would be told to stop by the pause. */
const dueSoonMs = 2_000;

export function createActivityRetrier({ connection, namespace, within }: CallOptions): ActivityRetrier {
  const { workflowService } = connection;
  return {
    retryNow: ({ workflowId, runId, job, by }) =>
      within(async () => {
        const execution = { workflowId, runId };
        const activity = { namespace, execution, id: job, identity: by };
        await unlessGone(async () => {
          const { pendingActivities } = await workflowService.describeWorkflowExecution({
            namespace,
            execution,
          });
          const step = nextStep(readPendingActivities(pendingActivities).get(job), Date.now());
          if (step === 'pause') await workflowService.pauseActivity({ ...activity, reason: pauseReason });
          if (step !== null) await workflowService.unpauseActivity(activity);
        });
      }),
  };
}

/** `unpause`: whoever paused it did not come to that. Pure. */
export function nextStep(pending: PendingActivity | undefined, now: number): 'pause' | 'unpause' | null {
  if (pending?.state === 'paused') return pending.pause?.reason === pauseReason ? 'unpause' : null;
  if (pending?.state !== 'waiting' || pending.nextAttemptAt === null) return null;
  return pending.nextAttemptAt.getTime() - now > dueSoonMs ? 'pause' : null;
}
