// What follows by the graph's rules from the ends that a history tells. Pure.
import type { KeptJobs, Plan } from '../graph/plan.ts';
import { beginProgress, completeJob, isDone, takeReady, takeSettled, verdict } from '../graph/planner.ts';
import type { GraphEnd, JobEnd } from '../graph/states.ts';
import type { RunHistory } from './read-history.ts';

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
  const progress = beginProgress(plan, kept);
  const keyOf = (job: number) => plan.keys[job] as string;
  for (let moved = true; moved; ) {
    moved = false;
    for (const job of takeReady(progress, plan.keys.length)) {
      const told = history.jobs.get(keyOf(job));
      if (!told) continue;
      completeJob(progress, job, told.end);
      moved = true;
    }
    for (const { job, end } of takeSettled(progress)) planned.set(keyOf(job), end);
  }
  const due: GraphEnd[] = isDone(progress) ? [verdict(progress)] : [];
  const isCancelled =
    history.cancelRequested && [...history.scheduled.keys()].every((key) => history.jobs.has(key));
  if (isCancelled) due.push({ state: 'FAILED', reason: 'cancelled' });
  return { planned, due };
}
