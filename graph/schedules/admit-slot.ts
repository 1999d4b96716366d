// The one place where it is decided what becomes of a time at which Temporal has fired a schedule. Pure.
import { graceMs, type Policies, waitsForEnd } from './policies.ts';
import { isTick, ticksAfter } from './ticks.ts';
import type { Timing } from './timing.ts';

export interface FiredSchedule {
  /** Null where only Temporal reads its times: then all that it fires are. */
  readonly timing: Timing | null;
  readonly catchUp: Policies['catchUp'];
  readonly overlap: Policies['overlap'];
  readonly paused: boolean;
  readonly isDeleted: boolean;
  /** Times that somebody has skipped. */
  readonly skipped: ReadonlySet<number>;
  readonly changedAt: number;
  /** The last change of what says when it fires; of the others `changedAt` tells as well. */
  readonly definedAt: number;
  /** Temporal was given its last change: until then it fires by what the schedule was before. Null while it does not have it. */
  readonly appliedAt: number | null;
}

export interface FiredSlot {
  /** The time that it was fired for. */
  readonly at: number;
  /** When Temporal started the workflow. */
  readonly startedAt: number;
  readonly now: number;
  /** A run of the schedule that had really begun was open at that time: what waited, waited for its end. */
  readonly wasBusy: boolean;
  /** The end of an outage during which that time came; null where it came in none. See `heldSince`. */
  readonly heldUntil: number | null;
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
  if (at > changedAt && isBeforeApplied(schedule, slot)) {
    if (schedule.paused) return drop('the schedule was paused');
    if (!isOwn) return drop('the schedule was changed: this is no time of it any more');
  }
  if (!isOwn && !isOfBefore(schedule, slot)) return { admit: 'trigger' };
  if (taken.has(at)) return drop('a run was made for this time before');
  if (!timing) return { admit: 'run', at };
  const late = { timing, catchUp, skipped: schedule.skipped };
  // Which times came after it by the times of then is not known: each is caught up with by its age.
  if (!isOwn) return byAge(catchUp, at, now);
  switch (whyLate({ ...schedule, timing }, slot)) {
    case 'waited':
    case 'asked':
      return { admit: 'run', at };
    case 'held':
      // Not counted: how long it waited for the runs that came of the outage before it.
      return admitLate(late, slot, (slot.heldUntil ?? now) + (now - startedAt) - timing.jitterMs);
    case 'missed':
      return admitLate(late, slot, now - timing.jitterMs);
  }
}

/**
 * Since when an outage has kept an execution of the schedule from its begin; null where none did. Where runs wait for each other,
 * Temporal holds those of the times in between back until it ends, and starts them late, as it does what is asked for by hand.
 */
export function heldSince(schedule: FiredSchedule, slot: FiredSlot): number | null {
  const { timing } = schedule;
  const { at, startedAt, now } = slot;
  if (!waitsForEnd(schedule.overlap)) return null;
  const isMissed = timing && isTick(timing, at) && whyLate({ ...schedule, timing }, slot) === 'missed';
  // Temporal may have been away as well, and have started it late for that.
  const since = isMissed ? Math.min(at, startedAt) : startedAt;
  return now - since > graceMs ? since : null;
}

/**
 * It `waited` for a run by the overlap policy; was `held` back by one that itself waited for the end of an outage; was `asked` for by
 * hand long after; or was `missed`, if it is late at all.
 */
function whyLate(
  { timing, catchUp, overlap }: Pick<FiredSchedule, 'catchUp' | 'overlap'> & { readonly timing: Timing },
  { at, startedAt, wasBusy, heldUntil }: FiredSlot,
): 'waited' | 'held' | 'asked' | 'missed' {
  const delayMs = startedAt - at - timing.jitterMs;
  // However short: a time that was held back for a moment is not one that later ones stand for.
  if (waitsForEnd(overlap) && wasBusy && delayMs > 0) return 'waited';
  if (delayMs <= graceMs) return 'missed';
  if (waitsForEnd(overlap) && heldUntil !== null) return 'held';
  return delayMs > lateMsMax(catchUp) ? 'asked' : 'missed';
}

/** A time by what the schedule was before, or a trigger: they look alike, and a run of one time counts for no other. */
function isOfBefore({ definedAt, appliedAt }: FiredSchedule, { at, startedAt }: FiredSlot): boolean {
  if (at > definedAt || startedAt - at > promptMs) return false;
  return appliedAt === null || startedAt <= Math.max(definedAt, appliedAt);
}

/** The time of a trigger is that of its second: one that came right after the change is told by its start. */
function isBeforeApplied({ appliedAt }: FiredSchedule, { at, startedAt }: FiredSlot): boolean {
  return appliedAt === null || startedAt <= appliedAt || at <= appliedAt - 1_000;
}

/** Temporal fires a time within a second or so, a busy one within a few. */
const promptMs = 10_000;

/** Temporal catches up with no more than that either. */
function lateMsMax({ missed, windowMs }: Policies['catchUp']): number {
  return missed === 'none' ? graceMs : windowMs + graceMs;
}

function admitLate(
  { timing, catchUp, skipped }: Pick<FiredSchedule, 'catchUp' | 'skipped'> & { readonly timing: Timing },
  { at, taken }: FiredSlot,
  now: number,
): Admission {
  const { missed } = catchUp;
  const newest = missed === 'latest' ? newestTick(timing, { at, now, skipped }) : at;
  if (newest !== at && taken.has(newest)) return drop(`a run was made for a later time, ${show(newest)}`);
  return byAge(catchUp, newest, now);
}

function byAge(catchUp: Policies['catchUp'], at: number, now: number): Admission {
  if (now - at <= lateMsMax(catchUp)) return { admit: 'run', at };
  if (catchUp.missed === 'none') return drop('it was missed, and is not caught up with');
  return drop('it was missed for longer than is caught up with');
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
