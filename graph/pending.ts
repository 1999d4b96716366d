import { type Plan, rulesAt } from './plan.ts';
import { isFinal, type RunState } from './states.ts';

export type PendingReason = 'upstream' | 'slot' | 'window' | 'queued' | 'paused';

/** What is stored of a job that waits or not. */
export interface StoredState {
  readonly state: RunState;
  readonly reason: string | null;
  /** It has what it asked for of pools. */
  readonly hasSlots?: boolean;
}

/** What holds back jobs that are ready. */
export interface RunPace {
  readonly jobsInFlightMax: number;
  readonly isPaused: boolean;
}

/**
 * Why jobs that are PENDING without a stored reason wait, by their key. No code runs when these begin, so they are
 * computed when they are read. Those that are ready take the places that are free in the order of the plan.
 */
export function pendingReasons(
  plan: Plan,
  stored: ReadonlyMap<string, StoredState>,
  { jobsInFlightMax, isPaused }: RunPace,
): Map<string, PendingReason> {
  const passing = new Set(plan.passing);
  const final: boolean[] = [];
  const reasons = new Map<string, PendingReason>();
  const short = shortPools(plan, stored);
  let free = jobsInFlightMax - [...stored.values()].filter(isInFlight).length;
  plan.keys.forEach((key, job) => {
    const parentsFinal = (plan.parents[job] ?? []).every((parent) => final[parent]);
    const row = stored.get(key);
    final[job] = passing.has(job) ? parentsFinal : row !== undefined && isFinal(row.state);
    if (row?.state !== 'PENDING' || isInFlight(row) || row.reason === 'slot') return;
    if (!parentsFinal) reasons.set(key, 'upstream');
    else if (isPaused) reasons.set(key, 'paused');
    // A run does not ask for all that is ready at once: what is behind waits for the same.
    else if (!row.hasSlots && poolsOf(plan, job).some((pool) => short.has(pool))) reasons.set(key, 'slot');
    else {
      reasons.set(key, free > 0 ? 'queued' : 'window');
      free -= 1;
    }
  });
  return reasons;
}

/** A job that waits for its next attempt keeps its place. */
function isInFlight({ state, reason }: StoredState): boolean {
  return state === 'RUNNING' || (state === 'PENDING' && reason === 'retry');
}

/** Pools that other jobs of the run wait for. */
function shortPools(plan: Plan, stored: ReadonlyMap<string, StoredState>): ReadonlySet<string> {
  return new Set(
    plan.keys.flatMap((key, job) => (stored.get(key)?.reason === 'slot' ? poolsOf(plan, job) : [])),
  );
}

function poolsOf(plan: Plan, job: number): string[] {
  return Object.keys(rulesAt(plan, job).pools ?? {});
}
