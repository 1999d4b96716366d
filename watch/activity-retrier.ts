import type { RetryToTell } from '../store/retry-jobs.ts';
import { type CallOptions, unlessGone } from './canceller.ts';
import { type PendingActivity, readPendingActivities } from './pending-activities.ts';

/** The activity of a job, in an execution. */
export type JobActivity = Pick<RetryToTell, 'workflowId' | 'runId' | 'job'>;

export interface ActivityRetrier {
  /**
   * Who holds a job by a pause in Temporal that its retry does not end; null where nobody does.
   * @throws CodedError TEMPORAL_UNAVAILABLE
   */
  findPause(activity: JobActivity): Promise<PendingActivity['pause']>;
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
  const findPending = async ({ job, ...execution }: JobActivity) => {
    const { pendingActivities } = await workflowService.describeWorkflowExecution({ namespace, execution });
    return readPendingActivities(pendingActivities).get(job);
  };
  return {
    findPause: ({ workflowId, runId, job }) =>
      within(async () => {
        let pending: PendingActivity | undefined;
        await unlessGone(async () => {
          pending = await findPending({ workflowId, runId, job });
        });
        return pauseOfOthers(pending);
      }),
    retryNow: ({ workflowId, runId, job, by }) =>
      within(async () => {
        const execution = { workflowId, runId };
        const activity = { namespace, execution, id: job, identity: by };
        await unlessGone(async () => {
          const step = nextStep(await findPending({ ...execution, job }), Date.now());
          if (step === 'pause') await workflowService.pauseActivity({ ...activity, reason: pauseReason });
          if (step !== null) await workflowService.unpauseActivity(activity);
        });
      }),
  };
}

/** Pure. */
export function pauseOfOthers(pending: PendingActivity | undefined): PendingActivity['pause'] {
  if (pending?.state !== 'paused' || pending.pause?.reason === pauseReason) return null;
  return pending.pause;
}

/** `unpause`: whoever paused it did not come to that. Pure. */
export function nextStep(pending: PendingActivity | undefined, now: number): 'pause' | 'unpause' | null {
  if (pending?.state === 'paused') return pending.pause?.reason === pauseReason ? 'unpause' : null;
  if (pending?.state !== 'waiting' || pending.nextAttemptAt === null) return null;
  return pending.nextAttemptAt.getTime() - now > dueSoonMs ? 'pause' : null;
}
