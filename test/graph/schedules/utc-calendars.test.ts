import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { dayMs } from '../../../graph/schedules/calendar.ts';
import type { NumberRange } from '../../../graph/schedules/temporal-calendar.ts';
import { toRanges } from '../../../graph/schedules/temporal-calendar.ts';
import { horizonMs, type TemporalSpec, utcSpec } from '../../../graph/schedules/temporal-spec.ts';
import { ticksAfter } from '../../../graph/schedules/ticks.ts';
import { timesByDay } from '../../../graph/schedules/times-by-day.ts';
import { timingOf } from './timings.ts';

vi.mock(import('../../../graph/schedules/ticks.ts'), { spy: true });

const now = Date.parse('2026-11-25T12:00:00Z');

/** Whose times were found one by one. */
function daysLookedAt(): number {
  const spans = vi.mocked(ticksAfter).mock.calls.map(([, after, until]) => until - after);
  return spans.reduce((sum, span) => sum + span, 0) / dayMs;
}

function holds(ranges: readonly NumberRange[] | undefined, value: number): boolean {
  if (!ranges) return true;
  return ranges.some(
    ({ start, end, step }) => value >= start && value <= end && (value - start) % step === 0,
  );
}

/** Each minute that the calendars match. */
function timesOf(spec: TemporalSpec, from: number, until: number): number[] {
  const times: number[] = [];
  for (let at = from; at <= until; at += 60_000) {
    const date = new Date(at);
    const isMatched = spec.calendars.some(
      (calendar) =>
        holds(calendar.minutes, date.getUTCMinutes()) &&
        holds(calendar.hours, date.getUTCHours()) &&
        holds(calendar.daysOfMonth, date.getUTCDate()) &&
        holds(calendar.daysOfWeek, date.getUTCDay()) &&
        holds(calendar.months, date.getUTCMonth() + 1) &&
        holds(calendar.years, date.getUTCFullYear()),
    );
    if (isMatched) times.push(at);
  }
  return times;
}

describe('calendars in UTC', () => {
  it.each([
    ['30 2 * * *', 'Europe/Berlin', 20],
    ['30 1 * * *', 'America/New_York', 20],
    ['0 0 * * mon', 'Africa/Cairo', 20],
    ['*/30 * * * *', 'Australia/Lord_Howe', 10],
    ['*/10 8-18 * * mon-fri', 'Europe/London', 20],
    ['15 3 1,15 * *', 'America/Santiago', 60],
  ])('hold the times of %s in %s, and no others, in at most %i', (cron, zone, most) => {
    const timing = timingOf({ cron }, zone);
    const spec = utcSpec(timing, now);
    const expected = [...ticksAfter(timing, now, now + horizonMs)].map(({ at }) => at);
    expect(timesOf(spec, now, now + horizonMs)).toEqual(expected);
    expect(spec.calendars.length).toBeLessThanOrEqual(most);
    expect(spec.until).toBe(now + horizonMs);
    expect(spec.calendars[0]?.comment).toBe(`${zone}: ${cron}`);
  });

  it.each([
    [{ cron: '* 0-22 * * *' }, 20],
    [
      { cron: '* 0-22 * * *', exclude: { dates: ['2026-12-25'], calendars: [{ hour: 3, minute: '*/7' }] } },
      40,
    ],
  ])('are few, and soon found, where the times are a million: %j', (written, most) => {
    const timing = timingOf(written, 'Europe/Berlin');
    vi.mocked(ticksAfter).mockClear();
    const { calendars } = utcSpec(timing, now);
    // Those near a change of the clock, and one of each kind of day.
    expect(daysLookedAt()).toBeLessThan(60);
    expect(calendars.length).toBeLessThanOrEqual(most);
    const count = Array.from(ticksAfter(timing, now, now + horizonMs)).length;
    expect(count).toBeGreaterThan(900_000);
  });

  it('begin with the schedule, where that begins later', () => {
    const spec = utcSpec(timingOf({ cron: '@daily', startAt: '2028-01-01T00:00:00Z' }), now);
    expect(spec.until).toBe(Date.parse('2028-01-01T00:00:00Z') + horizonMs);
    expect(timesOf(spec, now, Date.parse('2028-01-02T12:00:00Z'))).toHaveLength(2);
  });
});

it('the times of days that are alike are theirs, in any zone', () => {
  const crons = ['*/20 3-22 * * *', '30 2 * * mon', '15 23 1,29-31 * *', '0 0 * 3,10,11 sun'];
  const property = fc.property(
    fc.constantFrom(
      'Europe/Berlin',
      'America/New_York',
      'Asia/Kathmandu',
      'Australia/Lord_Howe',
      'Pacific/Apia',
    ),
    fc.uniqueArray(fc.constantFrom(...crons), { minLength: 1 }),
    fc.boolean(),
    fc.integer({ min: Date.parse('2011-06-01T00:00:00Z'), max: Date.parse('2027-06-01T00:00:00Z') }),
    (zone, cron, isExcluding, after) => {
      const date = new Date(after + 40 * dayMs).toISOString().slice(0, 10);
      const exclude = { dates: [date], calendars: [{ dayOfWeek: 'tue', hour: '8-12', minute: '*' }] };
      const timing = timingOf({ cron, ...(isExcluding && { exclude }) }, zone);
      const until = after + 300 * dayMs;
      const byDay = [...timesByDay(timing, after, until)];
      expect(byDay.flatMap(({ day, times }) => times.map((time) => day * dayMs + time))).toEqual(
        [...ticksAfter(timing, after, until)].map(({ at }) => at),
      );
    },
  );
  fc.assert(property, { numRuns: 40 });
});

describe('ranges', () => {
  it('hold the same numbers', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { minLength: 1 }), (numbers) => {
        const ascending = numbers.toSorted((a, b) => a - b);
        const ranges = toRanges(ascending);
        expect(Array.from({ length: 60 }, (_, n) => n).filter((n) => holds(ranges, n))).toEqual(ascending);
      }),
    );
  });
});

it('covers 25 months', () => {
  expect(horizonMs).toBeGreaterThanOrEqual((365 + 366 + 31) * dayMs);
});
