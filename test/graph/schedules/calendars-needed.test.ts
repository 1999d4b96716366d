import fc from 'fast-check';
import { expect, it } from 'vitest';
import { limits } from '../../../graph/limits.ts';
import { tooManyCalendars } from '../../../graph/schedules/calendars-needed.ts';
import { utcSpec } from '../../../graph/schedules/temporal-spec.ts';
import { timingOf } from './timings.ts';

const now = Date.parse('2026-11-25T12:00:00Z');
const awkward = (count: number) =>
  Array.from({ length: count }, (_, i) => `${i} 1-${i + 1} */${(i % 9) + 2} * *`);

it('a schedule of many times that have nothing in common is refused where the clock is changed', () => {
  const timing = timingOf({ cron: awkward(20) }, 'Europe/Berlin');
  const needed = utcSpec(timing, now).calendars.length;
  expect(needed).toBeGreaterThan(limits.calendarsInTemporal);
  expect(tooManyCalendars(timing, now)).toMatchObject({
    code: 'LIMIT_EXCEEDED',
    message: expect.stringContaining(` ${needed} calendars in Temporal; expected at most 500`),
  });
});

it('it is as it was written in a zone whose clock is not changed', () => {
  expect(tooManyCalendars(timingOf({ cron: awkward(20) }, 'Asia/Kolkata'), now)).toBeNull();
});

it('twenty times that are alike are few', () => {
  const cron = Array.from({ length: 20 }, (_, i) => `${i * 3} ${i} * * mon-fri`);
  const timing = timingOf({ cron }, 'Europe/Berlin');
  expect(utcSpec(timing, now).calendars.length).toBeLessThan(limits.calendarsInTemporal);
  expect(tooManyCalendars(timing, now)).toBeNull();
});

const listOf = (min: number, max: number) =>
  fc
    .uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: max - min + 1 })
    .map((values) => values.toSorted((a, b) => a - b).join(','));
const cronText = fc
  .tuple(listOf(0, 59), listOf(0, 23), listOf(1, 28), listOf(1, 12))
  .map((fields) => `${fields.join(' ')} *`);
const date = fc
  .integer({ min: 1, max: 750 })
  .map((days) => new Date(now + days * 86_400_000).toISOString().slice(0, 10));

it('two are never too many, whatever is excluded', () => {
  fc.assert(
    fc.property(
      fc.array(cronText, { minLength: 1, maxLength: 2 }),
      fc.uniqueArray(date, { maxLength: limits.excludedDatesPerSchedule, size: 'max' }),
      (cron, dates) => {
        const timing = timingOf({ cron, exclude: { dates } }, 'Europe/Berlin');
        expect(utcSpec(timing, now).calendars.length).toBeLessThanOrEqual(limits.calendarsInTemporal);
      },
    ),
    { numRuns: 40 },
  );
});
