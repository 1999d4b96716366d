// An attempt whose worker is gone tells nobody of its end. Temporal finds out by the heartbeat, and may then wait for long
// before the next one: until that begins, the row would say that the job runs.
import { unrecordedReason } from '../graph/attempt-results.ts';
import type { RunError } from '../graph/transitions.ts';
import type { Store } from '../store/store.ts';
import type { LostAttempt } from '../store/watching.ts';
import type { PendingActivity, PendingFailure } from './pending-activities.ts';
import type { ExecutionView, TemporalView } from './temporal-view.ts';

export interface NoteDependencies {
  readonly store: Pick<Store, 'watch'>;
  readonly temporal: Pick<TemporalView, 'describe'>;
  readonly actor: string;
}

/** Sends jobs back to PENDING/retry of which Temporal waits for the next attempt, while their rows say that one runs. */
export async function noteLostAttempts(deps: NoteDependencies, view: ExecutionView): Promise<void> {
  const waiting = failuresOfWaiting(view);
  if (waiting.size === 0) return;
  const running = await deps.store.watch.runningAttempts(view.runId, [...waiting.keys()]);
  if (running.length === 0) return;
  // Asked once more, after the rows: an attempt that they knew is over, when Temporal waits for another one by now.
  const later = await deps.temporal.describe(view);
  const still = later ? failuresOfWaiting(later) : new Map<string, PendingFailure>();
  const lost = running.flatMap((attempt): LostAttempt[] => {
    const failure = still.get(attempt.job);
    return failure ? [{ ...attempt, reason: reasonOf(failure), error: errorOf(failure) }] : [];
  });
  if (lost.length > 0) await deps.store.watch.noteLost(lost, deps.actor);
}

/** Of activities between two attempts, how the last one ended, by job key. */
function failuresOfWaiting({ pending }: ExecutionView): Map<string, PendingFailure> {
  const isBetween = ({ state }: PendingActivity) => state === 'waiting' || state === 'paused';
  return new Map(
    [...pending].flatMap(([job, activity]) =>
      isBetween(activity) && activity.lastFailure ? [[job, activity.lastFailure] as const] : [],
    ),
  );
}

function reasonOf({ isThrown, type }: PendingFailure): LostAttempt['reason'] {
  return isThrown ? unrecordedReason(type) : 'lost';
}

function errorOf({ type, message }: PendingFailure): RunError {
  return { type, message };
}
