// In all zones of the IANA database, around each change of the clock in 25 months: against the date library's own reading.
import { Temporal } from 'temporal-polyfill';
import { describe, expect, it } from 'vitest';
import { horizonMs } from '../../../graph/schedules/temporal-spec.ts';
import { ticksAfter } from '../../../graph/schedules/ticks.ts';
import { stretchesOf } from '../../../graph/schedules/zone.ts';
import { timingOf } from './timings.ts';

const now = Date.parse('2026-11-25T12:00:00Z');
const hour = 3_600_000;
const day = 24 * hour;

/** Each zone with the times at which its clock is changed. */
const zones = Intl.supportedValuesOf('timeZone').map((zone) => ({
  zone,
  changes: stretchesOf(zone, now, now + horizonMs).flatMap(({ to }) => (Number.isFinite(to) ? [to] : [])),
}));
const withChanges = zones.filter(({ changes }) => changes.length > 0);

function timesAround(written: object, zone: string, change: number): number[] {
  return [...ticksAfter(timingOf(written, zone), change - day, change + day)].map(({ at }) => at);
}

/** What the library makes of each time of the clock from two days before to two days after a change. */
function expectedAround(
  zone: string,
  change: number,
  disambiguation: 'compatible' | 'earlier' | 'later',
): number[] {
  const noon = Temporal.Instant.fromEpochMilliseconds(change - 2 * day)
    .toZonedDateTimeISO(zone)
    .toPlainDate();
  const found = new Set<number>();
  for (let days = 0; days <= 4; days += 1) {
    const date = noon.add({ days });
    for (let half = 0; half < 46; half += 1) {
      const local = date.toPlainDateTime({ hour: Math.floor(half / 2), minute: (half % 2) * 30 });
      const at = local.toZonedDateTime(zone, { disambiguation });
      const isThere = at.toPlainDateTime().equals(local);
      if (disambiguation === 'compatible' || isThere) found.add(at.epochMilliseconds);
    }
  }
  return [...found].filter((at) => at > change - day && at <= change + day).sort((a, b) => a - b);
}

/** Each half hour up to 22:30: fixed hours, not every one. */
const fixed = '0,30 0-22 * * *';

describe('in all time zones', () => {
  it('some change their clocks, some do not', () => {
    expect(zones.length).toBeGreaterThan(400);
    expect(withChanges.length).toBeGreaterThan(100);
  });

  it('fixed times are shifted over gaps, and fire the first time of two', () => {
    for (const { zone, changes } of withChanges) {
      for (const change of changes.slice(0, 2)) {
        const expected = expectedAround(zone, change, 'compatible');
        expect(timesAround({ cron: fixed }, zone, change), `${zone} ${change}`).toEqual(expected);
      }
    }
  });

  it('fixed times are skipped in gaps, and fire the last time of two', () => {
    const dst = { gap: 'skip', overlap: 'last' };
    for (const { zone, changes } of withChanges) {
      for (const change of changes.slice(0, 2)) {
        const expected = expectedAround(zone, change, 'later');
        expect(timesAround({ cron: fixed, dst }, zone, change), `${zone} ${change}`).toEqual(expected);
      }
    }
  });

  it('every quarter of an hour comes, in even steps', () => {
    for (const { zone, changes } of withChanges) {
      for (const change of changes) {
        const times = timesAround({ cron: '*/15 * * * *' }, zone, change);
        const steps = new Set(times.slice(1).map((at, index) => at - (times[index] ?? 0)));
        expect([times.length, ...steps], `${zone} ${change}`).toEqual([2 * 96, hour / 4]);
      }
    }
  });

  it('a daily time fires once a day, whatever the clock does', () => {
    for (const { zone } of zones) {
      const ticks = [...ticksAfter(timingOf({ cron: '30 1 * * *' }, zone), now, now + 400 * day)];
      expect(ticks.length, zone).toBe(400);
    }
  });
});
