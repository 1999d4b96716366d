// Why one job of a run is not done. Pure.
import type { QueueView, WaitingJob } from '../graph/inspections.ts';
import { limits } from '../graph/limits.ts';
import type { Plan } from '../graph/plan.ts';
import type { SlotWait } from '../store/slot-waits.ts';
import type { JobFacts } from '../store/store.ts';
import { describeAsked } from './explain-requests.ts';
import { describePause, type PendingActivity, unpauseCommand } from './pending-activities.ts';
import { isDeserted } from './queue-views.ts';
import type { ExecutionView } from './temporal-view.ts';

export interface JobContext {
  readonly plan: Plan | null;
  /** Places of jobs that the selection left out. */
  readonly passing: ReadonlySet<number>;
  /** Of each key in the plan. */
  readonly places: ReadonlyMap<string, number>;
  /** Keys of those that are ready and next to be scheduled, within the number that may be in flight. */
  readonly due: ReadonlySet<string>;
  /** Keys of jobs that are not final. */
  readonly open: ReadonlySet<string>;
  /** An execution of the run is known. */
  readonly hasBegun: boolean;
  readonly temporalAnswered: boolean;
  readonly execution: ExecutionView | null;
  readonly queues: readonly QueueView[];
  readonly now: Date;
}

type Told = Pick<WaitingJob, 'reason' | 'message'> & Partial<WaitingJob>;

const messageChars = 200;

export function explainJob(job: JobFacts, context: JobContext): WaitingJob {
  const pending = context.execution?.pending.get(job.job);
  const told = pending ? explainPending(job, pending, context) : explainRow(job, context);
  return {
    job: job.job,
    jobRunId: job.id,
    state: job.state,
    waitsFor: [],
    waitsForCount: 0,
    attempt: job.attempts,
    since: null,
    nextAttemptAt: null,
    lastError: job.error && { type: job.error.type, message: job.error.message },
    worker: null,
    lastHeartbeatAt: null,
    ...told,
    message: `${describeJobCancel(job)}${told.message}`,
  };
}

/** In a run that is not to be cancelled as a whole. */
function describeJobCancel({ cancelRequest, graphRunId }: JobFacts): string {
  return cancelRequest === null || graphRunId === null
    ? ''
    : `is to be cancelled, ${describeAsked(cancelRequest)}; `;
}

/** What Temporal has under way for it. */
function explainPending(job: JobFacts, pending: PendingActivity, context: JobContext): Told {
  const { state, pause, lastFailure, startedAt, lastHeartbeatAt, worker } = pending;
  const facts = {
    worker,
    lastHeartbeatAt: isOfEarlier(pending) ? null : (lastHeartbeatAt?.toISOString() ?? null),
    ...(lastFailure && { lastError: { type: lastFailure.type, message: lastFailure.message } }),
  };
  if (state === 'paused') {
    const workflowId = context.execution?.workflowId ?? '';
    const message = `${describePause(pause)}; to go on: ${unpauseCommand(workflowId, job.job)}`;
    return { reason: 'paused', message, ...facts, since: pause?.at?.toISOString() ?? null };
  }
  if (state === 'waiting') return { ...facts, ...explainWaiting(job, pending, context) };
  const since = startedAt?.toISOString() ?? null;
  const on = worker === null ? '' : ` on ${worker}`;
  if (state === 'stopping') {
    return { reason: 'stopping', message: `was told to stop; runs${on} until it does`, ...facts, since };
  }
  const pauses = state === 'pausing' ? `; pauses at its next heartbeat, by ${pause?.by || 'somebody'}` : '';
  const reason = job.reason === 'external' ? 'external' : 'running';
  return { reason, message: `${attemptOf(job, pending)} runs${on}${pauses}`, ...facts, since };
}

/** The server keeps the last heartbeat of one attempt until the next one sends its own. */
function isOfEarlier({ state, startedAt, lastHeartbeatAt }: PendingActivity): boolean {
  const isUnderWay = state !== 'waiting' && state !== 'paused';
  return isUnderWay && startedAt !== null && lastHeartbeatAt !== null && lastHeartbeatAt < startedAt;
}

function explainWaiting(
  job: JobFacts,
  pending: PendingActivity,
  { execution, queues, now }: JobContext,
): Told {
  const { nextAttemptAt, lastFailure, taskQueue } = pending;
  const failed = lastFailure ? `; the last one: ${cut(lastFailure.message)}` : '';
  if (nextAttemptAt !== null) {
    const message = `${attemptOf(job, pending)} comes next${failed}`;
    return { reason: 'retry', message, nextAttemptAt: nextAttemptAt.toISOString() };
  }
  const name = taskQueue ?? execution?.taskQueue ?? '';
  const queue = queues.find((found) => found.kind === 'activity' && found.taskQueue === name);
  if (queue && isDeserted(queue, [...(execution?.pending.values() ?? [])], now)) {
    return { reason: 'no_worker', message: `no worker polls the task queue "${name}"${failed}` };
  }
  const message = `${attemptOf(job, pending)} waits for a free worker of the task queue "${name}"${failed}`;
  return { reason: 'queued', message };
}

/** Temporal has nothing under way for it, or did not answer. */
function explainRow(job: JobFacts, context: JobContext): Told {
  const { reason, state } = job;
  if (reason === 'upstream') return explainUpstream(job, context);
  if (reason === 'slot') return { reason, message: describeWait(job.slotWaits ?? []) };
  if (reason === 'external') return { reason, message: 'another system works on it' };
  if (reason === 'paused') return { reason, message: 'ready; its run is paused' };
  const wasTried = state === 'RUNNING' || reason === 'retry';
  if (wasTried && context.temporalAnswered) {
    return { reason: 'settling', message: 'has ended in Temporal; its end is about to be written' };
  }
  if (state === 'RUNNING') return { reason: 'running', message: 'runs, by its row' };
  if (reason === 'retry') {
    const nextAttemptAt = job.error?.retryAt ?? null;
    return { reason, message: 'waits for its next attempt, by its row', nextAttemptAt };
  }
  if (!context.hasBegun) {
    return { reason: 'queued', message: 'ready; its run has not begun' };
  }
  if (isDraining(context)) {
    const message =
      'ready; the history is full, and the run goes on in a new execution once what is in flight has ended';
    return { reason: 'window', message };
  }
  if (!context.due.has(job.job)) {
    const message = `ready; a run has at most ${limits.jobsInFlightDefault} jobs in flight, and has as many now`;
    return { reason: 'window', message };
  }
  return { reason: 'queued', message: 'ready; its workflow has not scheduled it yet' };
}

function describeWait(waits: readonly SlotWait[]): string {
  if (waits.length === 0)
    return 'waits for slots behind other jobs of its run, which ask for as many as it could start';
  const parts = waits.map(({ pool, asked, slots, free, ahead, holders, holderCount }) => {
    const held = holders.map(
      (holder) => `${holder.project}/${holder.job} (${holder.graphRunId ?? holder.jobRunId})`,
    );
    const more = holderCount - holders.length;
    const by = `${held.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
    const turn = ahead === 0 ? 'it is the next' : `${ahead} ${ahead === 1 ? 'job' : 'jobs'} before it`;
    const isKept = ahead > 0 && free >= Math.min(asked, slots);
    return `${asked} of pool "${pool}": ${turn}; ${free} of ${slots} free${isKept ? ', kept for those' : ''}; held by ${by || 'none'}`;
  });
  return `waits for slots: ${parts.join('; ')}`;
}

/** At its limits an execution starts nothing new. */
function isDraining({ execution }: JobContext): boolean {
  if (execution === null) return false;
  return execution.historyEvents >= limits.historyEvents || execution.historyBytes >= limits.historyBytes;
}

function explainUpstream(job: JobFacts, context: JobContext): Told {
  const parents = openParents(job.job, context);
  const waitsFor = parents.slice(0, limits.explainedUpstream);
  const more = parents.length - waitsFor.length;
  const message = `waits for ${waitsFor.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  return { reason: 'upstream', message, waitsFor, waitsForCount: parents.length };
}

/** The nearest above it that are not final; through jobs that the selection left out. */
function openParents(key: string, { plan, passing, places, open }: JobContext): string[] {
  if (!plan) return [];
  const seen = new Set<number>();
  const found: string[] = [];
  const above = [...(plan.parents[places.get(key) ?? -1] ?? [])];
  for (const place of above) {
    if (seen.has(place)) continue;
    seen.add(place);
    if (passing.has(place)) above.push(...(plan.parents[place] ?? []));
    else if (open.has(plan.keys[place] ?? '')) found.push(plan.keys[place] ?? '');
  }
  return found;
}

/** As Temporal counts them, which begins anew with each epoch. */
function attemptOf({ epoch }: JobFacts, { attempt, maximumAttempts }: PendingActivity): string {
  const most = maximumAttempts > 0 ? ` of ${maximumAttempts}` : '';
  return `attempt ${attempt}${most}${epoch > 1 ? ` in epoch ${epoch}` : ''}`;
}

function cut(message: string): string {
  const [line = ''] = message.split('\n', 1);
  return line.length > messageChars ? `${line.slice(0, messageChars)}…` : line;
}
