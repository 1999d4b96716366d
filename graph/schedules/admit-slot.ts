// The one place where it is decided what becomes of a time at which Temporal has fired a schedule. Pure.
import { graceMs, type Policies } from './policies.ts';
import { isTick, ticksAfter } from './ticks.ts';
import type { Timing } from './timing.ts';

export interface FiredSchedule {
  /** Null where only Temporal reads its times: then all that it fires are. */
  readonly timing: Timing | null;
  readonly catchUp: Policies['catchUp'];
  readonly paused: boolean;
  readonly isDeleted: boolean;
  /** Times that somebody has skipped. */
  readonly skipped: ReadonlySet<number>;
  readonly changedAt: number;
  /** Temporal has its last change: until then it fires by what the schedule was before. */
  readonly isApplied: boolean;
}

export interface FiredSlot {
  /** The time that it was fired for. */
  readonly at: number;
  /** When Temporal started the workflow. */
  readonly startedAt: number;
  readonly now: number;
  /** A run of the schedule was open at that time: it was for the overlap policy to decide what waits for its end. */
  readonly wasBusy: boolean;
  /** Times from `at` on that other runs of the schedule are of. */
  readonly taken: ReadonlySet<number>;
}

export type Admission =
  /** `at` may be a later time than that which was fired. */
  | { readonly admit: 'run'; readonly at: number }
  /** Of no time of the schedule: somebody has triggered it. */
  | { readonly admit: 'trigger' }
  | { readonly admit: 'drop'; readonly why: string };

/**
 * Temporal fires once for each time, as far as its window for catching up goes. How many runs come of that depends on who was
 * away: here it is made the same. A time that was asked for by hand long after (a backfill) runs as it is.
 */
export function admitSlot(schedule: FiredSchedule, slot: FiredSlot): Admission {
  const { timing, catchUp, changedAt } = schedule;
  const { at, startedAt, now, taken } = slot;
  if (schedule.isDeleted) return drop('the schedule was deleted');
  if (schedule.skipped.has(at)) return drop('it was skipped');
  const isOwn = timing === null || isTick(timing, at);
  if (!schedule.isApplied && at > changedAt) {
    if (schedule.paused) return drop('the schedule was paused');
    if (!isOwn) return drop('the schedule was changed: this is no time of it any more');
  }
  if (!isOwn) return { admit: 'trigger' };
  if (taken.has(at)) return drop('a run was made for this time before');
  if (!timing) return { admit: 'run', at };
  const delayMs = startedAt - at - timing.jitterMs;
  const isBackfill = delayMs > (catchUp.missed === 'none' ? graceMs : catchUp.windowMs + graceMs);
  if (isBackfill || slot.wasBusy) return { admit: 'run', at };
  return admitLate({ timing, catchUp, skipped: schedule.skipped }, slot, now - timing.jitterMs);
}

function admitLate(
  { timing, catchUp, skipped }: Pick<FiredSchedule, 'catchUp' | 'skipped'> & { readonly timing: Timing },
  { at, taken }: FiredSlot,
  now: number,
): Admission {
  const { missed, windowMs } = catchUp;
  if (missed === 'none') {
    return now - at > graceMs ? drop('it was missed, and is not caught up with') : { admit: 'run', at };
  }
  const newest = missed === 'latest' ? newestTick(timing, { at, now, skipped }) : at;
  if (newest !== at && taken.has(newest)) return drop(`a run was made for a later time, ${show(newest)}`);
  if (now - newest > Math.max(windowMs, graceMs))
    return drop('it was missed for longer than is caught up with');
  return { admit: 'run', at: newest };
}

function drop(why: string): Admission {
  return { admit: 'drop', why };
}

function show(at: number): string {
  return new Date(at).toISOString();
}

/** The last one up to now that nobody has skipped, `at` if there is none after it. */
function newestTick(
  timing: Timing,
  { at, now, skipped }: Pick<FiredSlot, 'at' | 'now'> & Pick<FiredSchedule, 'skipped'>,
): number {
  let newest = at;
  for (const tick of ticksAfter(timing, at, now)) if (!skipped.has(tick.at)) newest = tick.at;
  return newest;
}
