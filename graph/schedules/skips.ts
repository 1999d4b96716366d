// Times that somebody has skipped: whoever opens the run of one makes none of it. Pure.
import { isTick } from './ticks.ts';
import type { Timing } from './timing.ts';

/** Those that have passed may still be fired: by a jitter, or when workers come back. */
const skippedMax = 100;

/** The one to come, if any: there is one at most. */
export function skipToCome(skipped: readonly Date[], now: number): Date | null {
  return skipped.find((at) => at.getTime() > now) ?? null;
}

export function withSkip(skipped: readonly Date[], at: Date): Date[] {
  return [...skipped, at].slice(-skippedMax);
}

/** The one to come, where the schedule has other times now and it is none of them; else null. */
export function skipToDrop(skipped: readonly Date[], timing: Timing, now: number): Date | null {
  const next = skipToCome(skipped, now);
  return next && !isTick(timing, next.getTime()) ? next : null;
}
