// A schedule's times in Temporal's own form: the calendars of its server. Pure.
import { type Calendar, dayMs, type Interval, range } from './calendar.ts';
import { type NumberRange, type TemporalCalendar, toRanges } from './temporal-calendar.ts';
import { timesByDay } from './times-by-day.ts';
import type { Timing } from './timing.ts';
import { utcCalendars } from './utc-calendars.ts';

export interface TemporalSpec {
  /**
   * `plain`: as it was written, in its own time zone. `utc`: its times one by one, gathered into calendars in UTC, for a while.
   */
  readonly form: 'plain' | 'utc';
  readonly timezone: string;
  readonly calendars: readonly TemporalCalendar[];
  readonly intervals: readonly Interval[];
  readonly exclusions: readonly TemporalCalendar[];
  readonly startAt: number | null;
  readonly endAt: number | null;
  readonly jitterMs: number;
  /** Until then it holds all times; null: for ever. */
  readonly until: number | null;
}

/** How far ahead times are compared with those of the server, and given to it. */
export const horizonMs = 25 * 31 * dayMs;

/** Temporal's own limit. */
const commentCharsMax = 200;

const whole = {
  hours: toRanges(range(0, 23)),
  minutes: toRanges(range(0, 59)),
  seconds: toRanges(range(0, 59)),
};
const atZero = toRanges([0]);

/** As it was written: readable in Temporal, which then has its own way with days on which the clock is changed. */
export function plainSpec(timing: Timing): TemporalSpec {
  const { timezone, intervals, startAt, endAt, jitterMs } = timing;
  const dates = timing.excludedDates.map((date): TemporalCalendar => {
    const [year = 0, month = 0, day = 0] = date.split('-').map(Number);
    const on = { years: toRanges([year]), months: toRanges([month]), daysOfMonth: toRanges([day]) };
    return { ...on, ...whole, comment: date };
  });
  const exclusions = timing.exclusions.map((calendar) => fromCalendar(calendar, whole.seconds));
  return {
    form: 'plain',
    timezone,
    calendars: timing.calendars.map((calendar) => fromCalendar(calendar, atZero)),
    intervals,
    exclusions: [...dates, ...exclusions],
    ...{ startAt, endAt, jitterMs },
    until: null,
  };
}

/** Times that no time zone has to be known for; what is not after `now` is not among them. */
export function utcSpec(timing: Timing, now: number): TemporalSpec {
  const { intervals, startAt, endAt, jitterMs } = timing;
  const until = Math.max(now, startAt ?? now) + horizonMs;
  const days = timesByDay({ ...timing, intervals: [] }, now, until);
  const texts = timing.calendars.map(({ text }) => text).join('; ');
  const comment = `${timing.timezone}: ${texts}`;
  return {
    form: 'utc',
    timezone: 'UTC',
    calendars: utcCalendars(days).map((calendar) => ({ ...calendar, comment: shorten(comment) })),
    intervals,
    exclusions: [],
    ...{ startAt, endAt, jitterMs },
    until,
  };
}

function fromCalendar(calendar: Calendar, seconds: readonly NumberRange[]): TemporalCalendar {
  const { months, daysOfMonth, daysOfWeek, hours, minutes } = calendar;
  return {
    months: toRanges(months),
    daysOfMonth: toRanges(daysOfMonth),
    daysOfWeek: toRanges(daysOfWeek.filter((day) => day < 7)),
    hours: toRanges(hours),
    minutes: toRanges(minutes),
    seconds,
    comment: shorten(calendar.text),
  };
}

function shorten(comment: string): string {
  return Buffer.byteLength(comment) <= commentCharsMax
    ? comment
    : `${comment.slice(0, commentCharsMax / 2)}…`;
}
