// Times gathered into few calendars in UTC: those of a day by hours that have the same minutes, days by months that are alike.
import { dayOf, hourMs, minuteMs, range } from './calendar.ts';
import { type NumberRange, type TemporalCalendar, toRanges } from './temporal-calendar.ts';
import type { TimesOfDay } from './times-by-day.ts';

type UtcCalendar = Omit<TemporalCalendar, 'comment'>;
type Days = Required<Pick<UtcCalendar, 'years' | 'months' | 'daysOfMonth' | 'daysOfWeek'>>;

/** @param days Ascending, their times each at a full minute. */
export function utcCalendars(days: Iterable<TimesOfDay>): UtcCalendar[] {
  return groupByTimes(days).flatMap(({ hours, minutes, days }) =>
    gatherDays(days).map((on) => ({
      ...on,
      hours: toRanges(hours),
      minutes: toRanges(minutes),
      seconds: toRanges([0]),
    })),
  );
}

interface HoursAndMinutes {
  readonly hours: readonly number[];
  readonly minutes: readonly number[];
}

/** Each with the days since 1970 that have it. */
function groupByTimes(
  days: Iterable<TimesOfDay>,
): (HoursAndMinutes & { readonly days: readonly number[] })[] {
  const groups = new Map<string, HoursAndMinutes & { readonly days: number[] }>();
  const known = new Map<readonly number[], readonly HoursAndMinutes[]>();
  for (const { day, times } of days) {
    const ofDay = known.get(times) ?? groupByHours(times);
    known.set(times, ofDay);
    for (const { hours, minutes } of ofDay) {
      const key = `${hours.join()} ${minutes.join()}`;
      const group = groups.get(key) ?? { hours, minutes, days: [] };
      group.days.push(day);
      groups.set(key, group);
    }
  }
  return [...groups.values()];
}

function groupByHours(times: readonly number[]): HoursAndMinutes[] {
  const minutesOf = groupBy(times, (time) => Math.floor(time / hourMs));
  const alike = groupBy([...minutesOf], ([, inHour]) =>
    inHour.map((time) => (time % hourMs) / minuteMs).join(),
  );
  return [...alike].map(([minutes, list]) => ({
    hours: list.map(([hour]) => hour),
    minutes: minutes.split(',').map(Number),
  }));
}

function gatherDays(days: readonly number[]): Days[] {
  const dates = days.map(dayOf);
  const ofMonth = groupBy(dates, ({ year, month }) => year * 12 + month - 1);
  const months = [...ofMonth].map(([index, inMonth]) => {
    const year = Math.floor(index / 12);
    const month = (index % 12) + 1;
    const on = daysOfMonth(
      year,
      month,
      inMonth.map(({ day }) => day),
    );
    return { year, month, on, alike: JSON.stringify(on) };
  });
  const gathered = [...groupBy(months, ({ year, alike }) => `${year} ${alike}`).values()].flatMap((list) => {
    const [first] = list;
    return first ? [{ ...first, months: list.map(({ month }) => month) }] : [];
  });
  return [...groupBy(gathered, ({ months, alike }) => `${months.join()} ${alike}`).values()].flatMap(
    (list) => {
      const [first] = list;
      if (!first) return [];
      const years = toRanges(list.map(({ year }) => year));
      return [{ years, months: toRanges(first.months), ...first.on }];
    },
  );
}

/** By the days of the week where those say it, in all of the month or in a part of it. */
function daysOfMonth(
  year: number,
  month: number,
  days: readonly number[],
): { readonly daysOfMonth: readonly NumberRange[]; readonly daysOfWeek: readonly NumberRange[] } {
  const weekdayOf = (day: number) => new Date(Date.UTC(year, month - 1, day)).getUTCDay();
  const weekdays = [...new Set(days.map(weekdayOf))].sort((a, b) => a - b);
  const last = new Date(Date.UTC(year, month, 0)).getUTCDate();
  const spans = [
    { first: 1, end: last, shown: range(1, 31) },
    { first: days[0] ?? 1, end: days.at(-1) ?? last, shown: range(days[0] ?? 1, days.at(-1) ?? last) },
  ];
  for (const { first, end, shown } of spans) {
    const said = range(first, end).filter((day) => weekdays.includes(weekdayOf(day)));
    if (said.length === days.length) {
      return { daysOfMonth: toRanges(shown), daysOfWeek: toRanges(weekdays) };
    }
  }
  return { daysOfMonth: toRanges(days), daysOfWeek: toRanges(range(0, 6)) };
}

function groupBy<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
