// What follows by the graph's rules from the ends that a history tells. Pure.
import { type KeptJobs, type Plan, rulesAt } from '../graph/plan.ts';
import {
  beginProgress,
  completeJob,
  isDone,
  notStarted,
  take,
  takeReady,
  takeSettled,
  verdict,
} from '../graph/planner.ts';
import type { GraphEnd, JobEnd } from '../graph/states.ts';
import type { RunHistory } from './run-history.ts';

export interface ExpectedEnds {
  /** Jobs that end without running, by key. */
  readonly planned: ReadonlyMap<string, JobEnd>;
  /**
   * Ends that the workflow may have given the run already: its closing call leaves no trace in the history before the
   * workflow itself ends.
   */
  readonly due: readonly GraphEnd[];
}

/** `kept`: jobs that ended before this execution was begun. */
export function expectEnds(plan: Plan, history: RunHistory, kept?: KeptJobs): ExpectedEnds {
  const planned = new Map<string, JobEnd>();
  const { onFailure = 'continue', ...always } = plan;
  const isStopped = onFailure !== 'continue' && hasFailed(plan, history);
  // What began before the failure has an end of its own, whatever came first: it is told here as if nothing stopped.
  const progress = beginProgress(always, kept);
  const keyOf = (job: number) => plan.keys[job] as string;
  const hasBegun = (job: number) => history.scheduled.has(keyOf(job));
  const untold: number[] = [];
  const follow = (): void => {
    for (let ready = takeReady(progress, Infinity); ready.length > 0; ready = takeReady(progress, Infinity)) {
      for (const job of ready) {
        const told = isStopped && !hasBegun(job) ? undefined : history.jobs.get(keyOf(job));
        if (told) completeJob(progress, job, told.end);
        else untold.push(job);
      }
    }
    for (const { job, end } of takeSettled(progress)) planned.set(keyOf(job), end);
  };
  for (const job of cancelledBefore(plan, history)) {
    if (take(progress, job)) completeJob(progress, job, notStarted);
    planned.set(keyOf(job), notStarted);
  }
  follow();
  for (const job of isStopped ? untold : []) {
    if (hasBegun(job)) continue;
    planned.set(keyOf(job), notStarted);
    completeJob(progress, job, notStarted);
    follow();
  }
  const due: GraphEnd[] = isDone(progress) ? [verdict(progress)] : [];
  const hasLanded = [...history.scheduled.keys()].every((key) => history.jobs.has(key));
  if (hasLanded && history.cancelRequested) due.push({ state: 'FAILED', reason: 'cancelled' });
  if (hasLanded && history.timerFired) due.push({ state: 'FAILED', reason: 'timed_out' });
  return { planned, due };
}

/** Jobs that somebody cancelled before they began: the run was told, and has settled them. */
function cancelledBefore(plan: Plan, { cancelledJobs, scheduled, jobs }: RunHistory): number[] {
  if (cancelledJobs.size === 0) return [];
  return plan.keys.flatMap((key, job) => {
    const isCancelled = cancelledJobs.has(key) && !scheduled.has(key);
    return isCancelled && jobs.get(key)?.end.reason === 'cancelled' ? [job] : [];
  });
}

/** Whether a job of this execution has failed that may not. */
function hasFailed(plan: Plan, { jobs, scheduled, cancelledJobs }: RunHistory): boolean {
  return plan.keys.some((key, job) => {
    const isOwn = scheduled.has(key) || cancelledJobs.has(key);
    return isOwn && jobs.get(key)?.end.state === 'FAILED' && !rulesAt(plan, job).allowFailure;
  });
}
