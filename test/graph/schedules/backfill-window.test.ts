import { describe, expect, test } from 'vitest';
import { limits } from '../../../graph/limits.ts';
import { readWindow, type WrittenWindow } from '../../../graph/schedules/backfill-window.ts';
import { timingOf } from './timings.ts';

const now = Date.parse('2026-06-15T12:00:00Z');
const daily = timingOf({ cron: '0 9 * * *' }, 'Europe/Berlin');

function read(written: WrittenWindow, timing = daily) {
  const found = readWindow(written, timing, now);
  return found.ok
    ? found.slots.map((at) => new Date(at).toISOString())
    : found.problems.map(({ code, path, message }) => `${code} ${path} ${message}`);
}

test('dates are days on the clock of the schedule, the last one with all of it', () => {
  expect(read({ from: '2026-03-28', to: '2026-03-29' })).toEqual([
    '2026-03-28T08:00:00.000Z',
    '2026-03-29T07:00:00.000Z',
  ]);
});

test('times without an offset are on the clock of the schedule, and both ends belong to the window', () => {
  const window = { from: '2026-03-28T09:00', to: '2026-03-29 09:00:00' };
  expect(read(window)).toHaveLength(2);
  expect(read({ from: '2026-03-28T09:01', to: '2026-03-29T08:59' })).toEqual([]);
  expect(read({ from: '2026-03-28T08:00:00Z', to: '2026-03-29T09:00+02:00' })).toHaveLength(2);
});

test('of a time that comes twice both belong to the window', () => {
  const hourly = timingOf({ cron: '@hourly' }, 'Europe/Berlin');
  expect(read({ from: '2025-10-26T02:00', to: '2025-10-26T02:00' }, hourly)).toEqual([
    '2025-10-26T00:00:00.000Z',
    '2025-10-26T01:00:00.000Z',
  ]);
});

test('what is to come is left out', () => {
  expect(read({ from: '2026-06-14' })).toEqual(['2026-06-14T07:00:00.000Z', '2026-06-15T07:00:00.000Z']);
  expect(read({ from: '2026-06-15', to: '2027-01-01' })).toEqual(['2026-06-15T07:00:00.000Z']);
});

describe('is refused with what was read', () => {
  test.each([
    'yesterday',
    '2026-02-30',
    '2026-6-1',
    '2026-06-01T25:00',
    '2026-06-01T09:00+1',
    '01/06/2026',
    '1969-12-30',
    '',
  ])('%j', (from) => {
    expect(read({ from })).toEqual([
      expect.stringContaining(`SHAPE_INVALID /from read ${JSON.stringify(from)}, expected a date or a time`),
    ]);
  });

  test('both ends at once', () => {
    expect(read({ from: 'a', to: 'b' })).toHaveLength(2);
  });

  test('a window that begins later than it ends, or is to come', () => {
    expect(read({ from: '2026-06-02', to: '2026-06-01' })).toEqual([
      'SHAPE_INVALID /to 2026-06-01T21:59:59.999Z is before "from", 2026-06-01T22:00:00.000Z',
    ]);
    expect(read({ from: '2026-06-16' })).toEqual([
      expect.stringMatching(/^SHAPE_INVALID \/from 2026-06-15T22:00:00.000Z has not come yet/),
    ]);
  });

  test('more times than a backfill may have', () => {
    const often = timingOf({ cron: '* * * * *' }, 'UTC');
    const most = limits.slotsPerBackfill;
    const to = new Date(Date.parse('2026-01-01T00:00:00Z') + (most - 1) * 60_000).toISOString();
    expect(read({ from: '2026-01-01', to }, often)).toHaveLength(most);
    expect(read({ from: '2025-12-31T23:59:00Z', to }, often)).toEqual([
      expect.stringContaining('LIMIT_EXCEEDED /to from 2025-12-31T23:59:00.000Z to'),
    ]);
  });

  test('one of which not all can be looked at, since exclusions leave nothing of it', () => {
    const [exclusion] = timingOf({ cron: '* * * * *' }).calendars;
    const timing = timingOf({ interval: { every: '1s' } });
    const none = { ...timing, exclusions: exclusion ? [exclusion] : [] };
    expect(read({ from: '2026-06-01' }, none)).toEqual([expect.stringContaining('LIMIT_EXCEEDED')]);
  });
});
