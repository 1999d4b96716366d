// Times by fields of the wall clock: what a cron expression or a calendar of a schedule says. Pure.

/** Fires where all fields match. Values in ascending order; months from 1, days of the week from 0, Sunday. */
export interface Calendar {
  readonly months: readonly number[];
  readonly daysOfMonth: readonly number[];
  readonly daysOfWeek: readonly number[];
  readonly hours: readonly number[];
  readonly minutes: readonly number[];
  /** Its hours are all, or every so many of all: it follows real time, so that each that comes counts, the second time too. */
  readonly isEveryHour: boolean;
  /** As it was written, for those who read it in Temporal. */
  readonly text: string;
}

/** Fires at all times that are `offsetMs` after a multiple of `everyMs` since 1970 in UTC. */
export interface Interval {
  readonly everyMs: number;
  readonly offsetMs: number;
}

export const minuteMs = 60_000;
export const hourMs = 3_600_000;
export const dayMs = 86_400_000;

/** A day since 1970, as a calendar asks for it. */
export interface Day {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
}

export function dayOf(daysSinceEpoch: number): Day {
  const date = new Date(daysSinceEpoch * dayMs);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
  };
}

export function matchesDay(calendar: Calendar, { month, day, weekday }: Day): boolean {
  return (
    calendar.daysOfMonth.includes(day) &&
    calendar.daysOfWeek.includes(weekday) &&
    calendar.months.includes(month)
  );
}

/** @param local Time on the wall clock, as milliseconds since 1970 on the same clock. */
export function matchesTime(calendar: Calendar, local: number): boolean {
  const inDay = local - Math.floor(local / dayMs) * dayMs;
  return (
    calendar.hours.includes(Math.floor(inDay / hourMs)) &&
    calendar.minutes.includes(Math.floor((inDay % hourMs) / minuteMs)) &&
    matchesDay(calendar, dayOf(Math.floor(local / dayMs)))
  );
}

/** All values from `first` to `last`. */
export function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
