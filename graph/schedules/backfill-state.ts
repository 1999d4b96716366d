// What a backfill is, by what its row and its runs tell. Computed whenever it is looked at: its runs may go on. Pure.
import type { RunState } from '../states.ts';

/** Why it makes no more runs before it has made all. */
export const backfillStops = ['cancelled', 'invalid', 'schedule_deleted'] as const;
export type BackfillStop = (typeof backfillStops)[number];

export const backfillFailures = [...backfillStops, 'run_failed'] as const;

export interface BackfillFacts {
  readonly stop: BackfillStop | null;
  /** Times that it has come to, with those that it has skipped. */
  readonly handled: number;
  /** Runs that are still to be made, or to go on. */
  readonly left: number;
  readonly open: number;
  /** However they failed. */
  readonly failed: number;
}

export interface BackfillState {
  readonly state: RunState;
  readonly reason: 'queued' | (typeof backfillFailures)[number] | null;
}

export function backfillStateOf({ stop, handled, left, open, failed }: BackfillFacts): BackfillState {
  // What was stopped too late to keep anything from being done has done all of it.
  if (stop !== null && left + open + failed > 0) return { state: 'FAILED', reason: stop };
  if (left > 0 && handled === 0) return { state: 'PENDING', reason: 'queued' };
  if (left + open > 0) return { state: 'RUNNING', reason: null };
  return failed > 0 ? { state: 'FAILED', reason: 'run_failed' } : { state: 'SUCCESS', reason: null };
}

/** How long so many runs take, when so many are carried out at once. */
export function estimateMs(
  runs: number,
  { meanMs, atOnce }: { readonly meanMs: number | null; readonly atOnce: number },
): number | null {
  if (runs === 0) return 0;
  return meanMs === null ? null : Math.round(Math.ceil(runs / atOnce) * meanMs);
}

export interface TimeToCome {
  readonly at: Date;
  /** It has had a run. */
  readonly hasRun: boolean;
  /** That run, of the schedule itself, is not opened yet: it may turn out to be of another time, or of none. */
  readonly isUndecided: boolean;
}

export interface BackfillStep {
  /** In their order: a run is to be made of each. `isSlot`: it is the one run of its time. */
  readonly runs: readonly { readonly at: Date; readonly isSlot: boolean }[];
  readonly handled: number;
  readonly skipped: number;
}

/**
 * Which of the next times get a run now: as many as there are places, without those that have had one. One that is not decided
 * is waited for, and those after it: it would be passed over, and never run.
 */
export function planBackfill(
  next: readonly TimeToCome[],
  { places, again }: { readonly places: number; readonly again: boolean },
): BackfillStep {
  const runs: { at: Date; isSlot: boolean }[] = [];
  let handled = 0;
  for (const { at, hasRun, isUndecided } of next) {
    if (runs.length >= places || isUndecided) break;
    handled += 1;
    if (!hasRun || again) runs.push({ at, isSlot: !hasRun });
  }
  return { runs, handled, skipped: handled - runs.length };
}
