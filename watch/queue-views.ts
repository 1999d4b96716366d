// Whether anybody takes what waits in a task queue. Pure.
import type { QueueView } from '../graph/inspections.ts';
import type { PendingActivity } from './pending-activities.ts';
import type { PolledQueue } from './task-queues.ts';

/** A poll that finds nothing ends after a minute, and the next begins at once. */
const pollFreshMs = 65_000;
/** What waits longer has not been given to a poll that was under way when it came. */
const takenWithinMs = 5_000;
/** A worker that runs a job beats every second. */
const beatFreshMs = 5_000;

export function toQueueView({ taskQueue, kind, polls, backlog }: PolledQueue, now: Date): QueueView {
  const last = polls.length > 0 ? new Date(Math.max(...polls.map((poll) => poll.getTime()))) : null;
  return {
    taskQueue,
    kind,
    pollers: polls.filter((poll) => ageOf(poll, now) < pollFreshMs).length,
    lastPollAt: last?.toISOString() ?? null,
    backlog,
  };
}

/** Nobody polls it, or nobody has since something began to wait in it: a worker that was idle would have taken that. */
export function isUnpolled(queue: QueueView, waitsSince: Date | null, now: Date): boolean {
  if (queue.pollers === 0) return true;
  if (waitsSince === null || queue.lastPollAt === null) return false;
  return ageOf(waitsSince, now) > takenWithinMs && Date.parse(queue.lastPollAt) < waitsSince.getTime();
}

/** An activity waits in it, and there is no worker: not even one that is busy with others of these. */
export function isDeserted(queue: QueueView, pending: readonly PendingActivity[], now: Date): boolean {
  const inQueue = pending.filter(({ taskQueue }) => taskQueue === queue.taskQueue);
  const isBusy = inQueue.some(({ lastHeartbeatAt, state }) => {
    return state !== 'waiting' && lastHeartbeatAt !== null && ageOf(lastHeartbeatAt, now) < beatFreshMs;
  });
  const waits = ({ state, nextAttemptAt, scheduledAt }: PendingActivity) =>
    state === 'waiting' && nextAttemptAt === null && isUnpolled(queue, scheduledAt, now);
  return !isBusy && inQueue.some(waits);
}

function ageOf(time: Date, now: Date): number {
  return now.getTime() - time.getTime();
}
