import type { Plan } from './plan.ts';
import { isFinal, type RunState } from './states.ts';

export type PendingReason = 'upstream' | 'window' | 'queued';

/**
 * Why jobs that are PENDING without a stored reason wait, by their position in the plan. No code runs when these begin,
 * so they are computed when they are read.
 */
export function pendingReasons(
  plan: Plan,
  states: ReadonlyMap<string, RunState>,
  jobsInFlightMax: number,
): Map<string, PendingReason> {
  const passing = new Set(plan.passing);
  const final: boolean[] = [];
  const reasons = new Map<string, PendingReason>();
  const inFlight = [...states.values()].filter((state) => state === 'RUNNING').length;
  plan.keys.forEach((key, job) => {
    const parentsFinal = (plan.parents[job] ?? []).every((parent) => final[parent]);
    const state = states.get(key);
    final[job] = passing.has(job) ? parentsFinal : state !== undefined && isFinal(state);
    if (state !== 'PENDING') return;
    if (!parentsFinal) reasons.set(key, 'upstream');
    else reasons.set(key, inFlight >= jobsInFlightMax ? 'window' : 'queued');
  });
  return reasons;
}
