import { describe, expect, it } from 'vitest';
import { readSchedule } from '../../../graph/schedules/read-schedule.ts';

const project = { timezone: 'Europe/Berlin', now: Date.parse('2026-11-25T12:00:00Z') };

function problemsOf(input: unknown): string[] {
  const schedule = readSchedule(input, project);
  return schedule.ok ? [] : schedule.problems.map(({ code, path, message }) => `${code} ${path} ${message}`);
}

describe('a schedule', () => {
  it('has the zone of its project, and defaults', () => {
    expect(readSchedule({ cron: '30 2 * * *' }, project)).toMatchObject({
      ok: true,
      timing: {
        timezone: 'Europe/Berlin',
        calendars: [{ hours: [2], minutes: [30], text: '30 2 * * *' }],
        dst: { gap: 'shift', overlap: 'first' },
        startAt: null,
        endAt: null,
        jitterMs: 0,
      },
      policies: {
        overlap: 'skip',
        catchUp: { missed: 'latest', windowMs: 3_600_000 },
        pauseOnFailure: false,
      },
    });
  });

  it('takes several expressions, an interval and calendars together', () => {
    const written = {
      cron: ['@daily', '@every 6h'],
      interval: { every: '15m', offset: '5m' },
      calendars: [{ dayOfWeek: 'fri', dayOfMonth: '8-14', hour: [9, '12-13'] }],
      timezone: 'Asia/Kolkata',
      dst: { gap: 'skip' },
      jitter: '30s',
      startAt: '2026-12-01T00:00:00+01:00',
      limit: 10,
      catchUp: { missed: 'none' },
    };
    expect(readSchedule(written, project)).toMatchObject({
      timing: {
        timezone: 'Asia/Kolkata',
        calendars: [
          { hours: [0] },
          { hours: [9, 12, 13], minutes: [0], daysOfWeek: [5], isEveryHour: false },
        ],
        intervals: [
          { everyMs: 21_600_000, offsetMs: 0 },
          { everyMs: 900_000, offsetMs: 300_000 },
        ],
        dst: { gap: 'skip', overlap: 'first' },
        startAt: Date.parse('2026-11-30T23:00:00Z'),
        jitterMs: 30_000,
      },
      policies: { catchUp: { missed: 'none', windowMs: 3_600_000 } },
    });
  });

  it('excludes whole days by a calendar that names no hour', () => {
    expect(
      readSchedule({ cron: '0 9 * * *', exclude: { calendars: [{ dayOfWeek: 'sat,sun' }] } }, project),
    ).toMatchObject({
      timing: { exclusions: [{ daysOfWeek: [0, 6], hours: { length: 24 }, minutes: { length: 60 } }] },
    });
  });

  it('is refused with all that is wrong, each at its place', () => {
    expect(
      problemsOf({
        cron: ['30 2 * *', '0 9 13 * 5'],
        timezone: 'Europe/Berln',
        jitter: '1 minute',
        overlap: 'queue',
        exclude: { dates: ['2026-13-01'] },
        startAt: '2026-12-01',
        every: '5m',
      }),
    ).toEqual([
      expect.stringMatching(/^SHAPE_INVALID \/exclude\/dates\/0 expected a date such as 2026-12-25/),
      expect.stringMatching(
        /^SHAPE_INVALID \/timezone read "Europe\/Berln", expected a time zone .* such as Europe\/Berlin/,
      ),
      expect.stringMatching(/^SHAPE_INVALID \/jitter expected a duration such as/),
      expect.stringMatching(/^SHAPE_INVALID \/startAt expected a time with its offset, such as/),
      expect.stringMatching(/^SHAPE_INVALID \/overlap .*"skip"\|"buffer_one"/),
      expect.stringMatching(/^SHAPE_INVALID {2}Unrecognized key: "every"/),
      expect.stringMatching(/^CRON_INVALID \/cron\/0 "30 2 \* \*" has 4 fields/),
      expect.stringMatching(/^CRON_INVALID \/cron\/1 day of month "13" and day of week "5" are both given/),
    ]);
  });

  it.each([
    [{}, /^SHAPE_INVALID {2}it never fires: give "cron", such as "30 2 \* \* \*"/],
    [{ cron: '0 0 30 2 *' }, /no time matches it/],
    [{ cron: '@daily', exclude: { calendars: [{}] } }, /no time matches it/],
    [
      { cron: '@daily', startAt: '2027-01-02T00:00:00Z', endAt: '2027-01-01T00:00:00Z' },
      /^SHAPE_INVALID \/endAt expected a time after startAt/,
    ],
    [
      { cron: '@daily', catchUp: { missed: 'all' } },
      /^SHAPE_INVALID \/catchUp\/missed all needs the overlap buffer_all/,
    ],
    [{ interval: { every: '1500ms' } }, /^SHAPE_INVALID \/interval expected whole seconds/],
    [{ interval: { every: '5m', offset: '6m' } }, /shorter than the interval/],
    [{ calendars: [{ hour: 24 }] }, /^SHAPE_INVALID \/calendars\/0\/hour hour "24": 24 is not from 0 to 23/],
    [{ calendars: [{ hour: {} }] }, /^SHAPE_INVALID \/calendars\/0\/hour expected a number, a text such as/],
    [{ cron: ['@daily', '@every 5m'], exclude: { dates: ['2026-12-25'] } }, /make two schedules/],
  ])('that cannot be is refused: %j', (input, why) => {
    expect(problemsOf(input)).toEqual([expect.stringMatching(why)]);
  });

  it('that only a leap year has is taken', () => {
    expect(problemsOf({ cron: '0 0 29 2 *' })).toEqual([]);
  });

  it('whose end has passed is taken: it did fire', () => {
    expect(problemsOf({ cron: '@daily', endAt: '2020-01-01T00:00:00Z' })).toEqual([]);
  });
});

it('a schedule whose exclusions leave nothing of it is refused, in time', { timeout: 5_000 }, () => {
  const written = { interval: { every: '1s' }, exclude: { calendars: [{}] } };
  expect(problemsOf(written)).toEqual([expect.stringContaining('no time matches it')]);
});
