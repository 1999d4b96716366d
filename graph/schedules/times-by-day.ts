// The times of a schedule, day by day in UTC: those of days that are alike are found once, since a schedule that fires each
// minute has a million of them in two years. Pure.
import { dayMs, dayOf, matchesDay } from './calendar.ts';
import { ticksAfter } from './ticks.ts';
import type { Timing } from './timing.ts';
import { type Stretch, stretchAt, stretchesOf } from './zone.ts';

export interface TimesOfDay {
  /** Since 1970. */
  readonly day: number;
  /** In milliseconds since it began, ascending; days that are alike have the same list. */
  readonly times: readonly number[];
}

/** What a change of the clock does shows this close to it: a zone may leave out a whole day. */
const reachMs = 4 * dayMs;

/** After `after`, up to and with `until`; days without times are left out. */
export function* timesByDay(timing: Timing, after: number, until: number): Generator<TimesOfDay> {
  const first = Math.max(after + 1, timing.startAt ?? after + 1);
  const last = Math.min(until, timing.endAt ?? until);
  if (last < first) return;
  const stretches = stretchesOf(timing.timezone, first - reachMs, last + reachMs);
  const known = new Map<string, readonly number[]>();
  for (let day = Math.floor(first / dayMs); day <= Math.floor(last / dayMs); day += 1) {
    const begin = day * dayMs;
    const end = begin + dayMs - 1;
    const likeness = first <= begin && end <= last ? likenessOf(timing, stretches, begin) : null;
    let times = likeness === null ? undefined : known.get(likeness);
    if (!times) {
      const ticks = ticksAfter(timing, Math.max(begin, first) - 1, Math.min(end, last));
      times = Array.from(ticks, ({ at }) => at - begin);
      if (likeness !== null) known.set(likeness, times);
    }
    if (times.length > 0) yield { day, times };
  }
}

/** The same for days that have the same times; null where the clock is changed near it. */
function likenessOf(timing: Timing, stretches: readonly Stretch[], begin: number): string | null {
  const stretch = stretchAt(stretches, begin);
  if (begin - reachMs < stretch.from || begin + dayMs + reachMs > stretch.to) return null;
  const local = begin + stretch.offsetMs;
  const said = [local, local + dayMs - 1].map((time) => {
    const day = Math.floor(time / dayMs);
    const calendars = [...timing.calendars, ...timing.exclusions];
    const isExcluded = timing.excludedDates.includes(new Date(day * dayMs).toISOString().slice(0, 10));
    return [isExcluded, ...calendars.map((calendar) => matchesDay(calendar, dayOf(day)))];
  });
  return JSON.stringify([stretch.offsetMs, said]);
}
