import { describe, expect, it } from 'vitest';
import { ticksOf, timingOf } from './timings.ts';

const spring = ['2027-03-27T12:00:00Z', '2027-03-28T23:00:00Z'] as const;
const autumn = ['2027-10-30T12:00:00Z', '2027-10-31T12:00:00Z'] as const;

describe('ticks', () => {
  it('come after a time, and until another with it', () => {
    const timing = timingOf({ cron: '0 9 * * *' }, 'Asia/Kolkata');
    expect(ticksOf(timing, '2026-11-25T03:30:00Z', '2026-11-27T03:30:00Z')).toEqual([
      '2026-11-26T03:30Z',
      '2026-11-27T03:30Z',
    ]);
    expect(ticksOf(timing, '2026-11-26T03:29:59Z', '2026-11-27T03:29:59Z')).toEqual(['2026-11-26T03:30Z']);
  });

  it('keep to the clock over both changes, at a time that they do not touch', () => {
    const timing = timingOf({ cron: '0 9 * * *' }, 'Europe/Berlin');
    expect(ticksOf(timing, ...spring)).toEqual(['2027-03-28T07:00Z']);
    expect(ticksOf(timing, ...autumn)).toEqual(['2027-10-31T08:00Z']);
  });

  it.each([
    ['shift', ['2027-03-28T01:30Z gap']],
    ['skip', []],
  ])('at a time that does not exist: %s', (gap, expected) => {
    expect(ticksOf(timingOf({ cron: '30 2 * * *', dst: { gap } }, 'Europe/Berlin'), ...spring)).toEqual(
      expected,
    );
  });

  it.each([
    ['first', ['2027-10-31T00:30Z overlap']],
    ['last', ['2027-10-31T01:30Z overlap']],
    ['both', ['2027-10-31T00:30Z overlap', '2027-10-31T01:30Z overlap']],
  ])('at a time that comes twice: %s', (overlap, expected) => {
    const timing = timingOf({ cron: '30 2 * * *', dst: { overlap } }, 'Europe/Berlin');
    expect(ticksOf(timing, ...autumn)).toEqual(expected);
  });

  it('of every hour, or every so many, follow real time', () => {
    const hourly = timingOf({ cron: '0 * * * *' }, 'Europe/Berlin');
    expect(ticksOf(hourly, '2027-10-30T12:00:00Z', '2027-10-31T12:00:00Z')).toHaveLength(24);
    expect(ticksOf(hourly, '2027-03-27T12:00:00Z', '2027-03-28T12:00:00Z')).toHaveLength(24);
    const even = timingOf({ cron: '0 */2 * * *' }, 'Europe/Berlin');
    expect(ticksOf(even, '2027-10-30T21:59:00Z', '2027-10-31T03:00:00Z')).toEqual([
      '2027-10-30T22:00Z',
      '2027-10-31T00:00Z overlap',
      '2027-10-31T01:00Z overlap',
      '2027-10-31T03:00Z',
    ]);
    expect(ticksOf(even, '2027-03-27T22:59:00Z', '2027-03-28T02:00:00Z')).toEqual([
      '2027-03-27T23:00Z',
      '2027-03-28T02:00Z',
    ]);
  });

  it('that are moved onto another are one', () => {
    expect(ticksOf(timingOf({ cron: '0 2,3 * * *' }, 'Europe/Berlin'), ...spring)).toEqual([
      '2027-03-28T01:00Z',
    ]);
  });

  it('at midnight where the clock is put forward then', () => {
    const after = ['2027-04-28T12:00:00Z', '2027-04-30T12:00:00Z'] as const;
    expect(ticksOf(timingOf({ cron: '@daily' }, 'Africa/Cairo'), ...after)).toEqual([
      '2027-04-28T22:00Z',
      '2027-04-29T22:00Z gap',
    ]);
    expect(ticksOf(timingOf({ cron: '@daily', dst: { gap: 'skip' } }, 'Africa/Cairo'), ...after)).toEqual([
      '2027-04-28T22:00Z',
    ]);
  });

  it('of a day that a zone leaves out fall on the next one', () => {
    const timing = timingOf({ cron: '0 9 * * *' }, 'Pacific/Apia');
    expect(ticksOf(timing, '2011-12-29T12:00:00Z', '2011-12-31T12:00:00Z')).toEqual([
      '2011-12-29T19:00Z',
      '2011-12-30T19:00Z',
    ]);
  });

  it('change with a clock that is put back by half an hour', () => {
    const timing = timingOf({ cron: '45 1 * * *', dst: { overlap: 'both' } }, 'Australia/Lord_Howe');
    expect(ticksOf(timing, '2027-04-03T00:00:00Z', '2027-04-04T00:00:00Z')).toEqual([
      '2027-04-03T14:45Z overlap',
      '2027-04-03T15:15Z overlap',
    ]);
  });

  it('on the last days of months, and on February 29', () => {
    const last = timingOf({ cron: '0 0 31 * *' });
    expect(ticksOf(last, '2026-11-30T00:00:00Z', '2027-05-31T00:00:00Z')).toEqual([
      '2026-12-31T00:00Z',
      '2027-01-31T00:00Z',
      '2027-03-31T00:00Z',
      '2027-05-31T00:00Z',
    ]);
    const leap = timingOf({ cron: '0 0 29 2 *' });
    expect(ticksOf(leap, '2026-11-30T00:00:00Z', '2035-01-01T00:00:00Z')).toEqual([
      '2028-02-29T00:00Z',
      '2032-02-29T00:00Z',
    ]);
  });

  it('of intervals are counted from 1970 in UTC, with their offset', () => {
    const timing = timingOf({ interval: { every: '6h', offset: '1h' }, cron: '@every 12h' }, 'Europe/Berlin');
    expect(ticksOf(timing, '2027-03-28T00:00:00Z', '2027-03-28T13:00:00Z')).toEqual([
      '2027-03-28T01:00Z',
      '2027-03-28T07:00Z',
      '2027-03-28T12:00Z',
      '2027-03-28T13:00Z',
    ]);
  });

  it('of all expressions come together, each time once, without what is excluded', () => {
    const timing = timingOf(
      {
        cron: ['0 9 * * *', '0 9,18 * * *'],
        exclude: {
          dates: ['2026-12-25'],
          calendars: [{ dayOfWeek: 'sun' }, { dayOfMonth: 26, hour: '12-23', minute: '*' }],
        },
      },
      'Europe/Berlin',
    );
    expect(ticksOf(timing, '2026-12-24T12:00:00Z', '2026-12-28T09:00:00Z')).toEqual([
      '2026-12-24T17:00Z',
      '2026-12-26T08:00Z',
      '2026-12-28T08:00Z',
    ]);
  });

  it('lie between start and end, both with them', () => {
    const timing = timingOf({
      cron: '0 0 * * *',
      startAt: '2027-01-01T00:00:00Z',
      endAt: '2027-01-03T00:00:00Z',
    });
    expect(ticksOf(timing, '2026-01-01T00:00:00Z', '2030-01-01T00:00:00Z')).toEqual([
      '2027-01-01T00:00Z',
      '2027-01-02T00:00Z',
      '2027-01-03T00:00Z',
    ]);
  });
});
