// The times at which a schedule fires, by its own rules for days on which the clock is changed. Pure.
import {
  type Calendar,
  dayMs,
  dayOf,
  hourMs,
  type Interval,
  matchesDay,
  matchesTime,
  minuteMs,
} from './calendar.ts';
import type { Dst } from './policies.ts';
import type { Timing } from './timing.ts';
import { offsetAt, type Stretch, stretchAt, stretchesOf } from './zone.ts';

/** A time at which a schedule fires: as milliseconds since 1970 in UTC, before any jitter. */
export interface Tick {
  readonly at: number;
  /** `gap`: the time that is written does not exist on this day; `overlap`: it comes twice. */
  readonly dst: 'gap' | 'overlap' | null;
}

/** How many times may still be looked at and found to be excluded. */
interface Patience {
  left: number;
}

/**
 * In ascending order, after `after` and up to and with `until`. It ends where more than `excludedMax` times were found that are
 * excluded: exclusions may leave nothing of a schedule for years. Returns whether it came to `until`.
 */
export function* ticksAfter(
  timing: Timing,
  after: number,
  until: number,
  excludedMax = Number.POSITIVE_INFINITY,
): Generator<Tick, boolean> {
  const patience: Patience = { left: excludedMax };
  const first = Math.max(after + 1, timing.startAt ?? after + 1);
  const last = Math.min(until, timing.endAt ?? until);
  let from = first;
  // Near ones at first: those of a schedule that fires each second are many.
  for (let span = hourMs; from <= last && patience.left >= 0; span = Math.min(2 * span, 64 * dayMs)) {
    const to = Math.min(from + span, last + 1);
    yield* ticksWithin(timing, from, to, patience);
    from = to;
  }
  return patience.left >= 0;
}

export function isTick(timing: Timing, at: number): boolean {
  return !ticksAfter(timing, at - 1, at).next().done;
}

/** From `from` up to, and without, `to`. */
function ticksWithin(timing: Timing, from: number, to: number, patience: Patience): Tick[] {
  const reach = 3 * dayMs;
  const stretches = stretchesOf(timing.timezone, from - reach, to + reach);
  const found = new Map<number, Tick>();
  const add = (tick: Tick) => {
    if (tick.at < from || tick.at >= to) return;
    if (isExcluded(timing, stretches, tick.at)) {
      patience.left -= 1;
      return;
    }
    const other = found.get(tick.at);
    // One that is at its own time is no effect of the change, whatever else falls on it.
    if (!other || tick.dst === null) found.set(tick.at, tick);
  };
  for (const interval of timing.intervals) addInterval(interval, from, to, add, patience);
  // A time that does not exist may be moved by a whole day, where a zone leaves one out.
  const firstDay = Math.floor((from + offsetAt(stretches, from)) / dayMs) - 2;
  const lastDay = Math.floor((to + offsetAt(stretches, to)) / dayMs) + 2;
  if (timing.calendars.length > 0) {
    for (let day = firstDay; day <= lastDay && patience.left >= 0; day += 1)
      addDay(timing, stretches, day, add);
  }
  return [...found.values()].sort((a, b) => a.at - b.at);
}

function addInterval(
  { everyMs, offsetMs }: Interval,
  from: number,
  to: number,
  add: (tick: Tick) => void,
  patience: Patience,
): void {
  const first = Math.ceil((from - offsetMs) / everyMs) * everyMs + offsetMs;
  for (let at = first; at < to && patience.left >= 0; at += everyMs) {
    add({ at, dst: null });
  }
}

function addDay(timing: Timing, stretches: readonly Stretch[], day: number, add: (tick: Tick) => void): void {
  const date = dayOf(day);
  const begin = day * dayMs;
  const stretch = stretchAt(stretches, begin - offsetAt(stretches, begin));
  const isPlain = stretch.from <= begin - 2 * dayMs && begin + 3 * dayMs <= stretch.to;
  for (const calendar of timing.calendars) {
    if (!matchesDay(calendar, date)) continue;
    for (const hour of calendar.hours) {
      for (const minute of calendar.minutes) {
        const local = begin + hour * hourMs + minute * minuteMs;
        if (isPlain) add({ at: local - stretch.offsetMs, dst: null });
        else for (const tick of resolve(local, stretches, calendar, timing.dst)) add(tick);
      }
    }
  }
}

/** When a clock shows a time: once, twice, or never. */
function resolve(
  local: number,
  stretches: readonly Stretch[],
  { isEveryHour }: Calendar,
  dst: Dst,
): readonly Tick[] {
  const instants = stretches
    .filter(({ from, to, offsetMs }) => from <= local - offsetMs && local - offsetMs < to)
    .map(({ offsetMs }) => local - offsetMs);
  const [first] = instants;
  if (first === undefined) {
    if (isEveryHour || dst.gap === 'skip') return [];
    const before = stretches.findLast(({ from, offsetMs }) => from <= local - offsetMs);
    return before ? [{ at: local - before.offsetMs, dst: 'gap' }] : [];
  }
  if (instants.length === 1) return [{ at: first, dst: null }];
  const ticks = instants.map((at): Tick => ({ at, dst: 'overlap' }));
  if (isEveryHour || dst.overlap === 'both') return ticks;
  return dst.overlap === 'first' ? ticks.slice(0, 1) : ticks.slice(-1);
}

/** By what the clock shows then. */
function isExcluded(timing: Timing, stretches: readonly Stretch[], at: number): boolean {
  const { excludedDates, exclusions } = timing;
  if (excludedDates.length === 0 && exclusions.length === 0) return false;
  const local = at + offsetAt(stretches, at);
  if (exclusions.some((calendar) => matchesTime(calendar, local))) return true;
  return excludedDates.includes(new Date(local).toISOString().slice(0, 10));
}
