import { describe, expect, it } from 'vitest';
import { limits } from '../../../graph/limits.ts';
import type { OverlapPolicy } from '../../../graph/schedules/policies.ts';
import { predictOverlaps } from '../../../graph/schedules/predict-overlaps.ts';
import { type SimulatedSchedule, simulate } from '../../../graph/schedules/simulate.ts';
import { ticksAfter } from '../../../graph/schedules/ticks.ts';
import { timingOf } from './timings.ts';

const from = Date.parse('2026-11-25T12:00:00Z');
const minute = 60_000;
const day = 24 * 60 * minute;

function scheduled(written: object, timezone: string, more: Partial<SimulatedSchedule> = {}) {
  const timing = timingOf(written, timezone);
  const none = { skipAt: null, runsMax: Number.POSITIVE_INFINITY, durations: null } as const;
  return { timing, overlap: 'skip', ...none, ...more } as const;
}

/** As `effect local at at`. */
function effects(written: object, timezone: string, days = 400): string[] {
  return simulate(scheduled(written, timezone), from, days).clockEffects.map(({ effect, local, at }) =>
    [effect, local, ...at.map((time) => `${new Date(time).toISOString().slice(5, 16)}Z`)].join(' '),
  );
}

describe('a simulation', () => {
  it.each([
    ['Europe/Berlin', { cron: '30 2 * * *' }],
    ['Asia/Kolkata', { cron: '0 9 * * *' }],
    ['America/New_York', { cron: '*/20 * * * mon', dst: { gap: 'skip', overlap: 'both' } }],
    ['Africa/Cairo', { calendars: [{ hour: 0, minute: [0, 30] }], exclude: { dates: ['2027-01-01'] } }],
    ['UTC', { interval: { every: '7h' } }],
  ])('has the times that fire, %s %j', (timezone, written) => {
    const simulated = simulate(scheduled(written, timezone), from, 400);
    const { timing } = scheduled(written, timezone);
    expect(simulated.times).toBe([...ticksAfter(timing, from, from + 400 * day)].length);
    expect([simulated.isCut, simulated.until]).toEqual([false, from + 400 * day]);
  });

  it('leaves out a time that is skipped', () => {
    const skipAt = Date.parse('2026-11-26T09:00:00Z');
    expect(simulate(scheduled({ cron: '0 9 * * *' }, 'UTC', { skipAt }), from, 10).times).toBe(9);
  });

  it('tells what changes of the clock do to a fixed time', () => {
    const at = (dst: object) => effects({ cron: '30 2 * * *', dst }, 'Europe/Berlin');
    expect(at({})).toEqual(['shifted 2027-03-28T02:30 03-28T01:30Z', 'once 2027-10-31T02:30 10-31T00:30Z']);
    expect(at({ gap: 'skip', overlap: 'both' })).toEqual([
      'skipped 2027-03-28T02:30',
      'doubled 2027-10-31T02:30 10-31T00:30Z 10-31T01:30Z',
    ]);
    expect(at({ overlap: 'last' }).at(-1)).toBe('once 2027-10-31T02:30 10-31T01:30Z');
  });

  it('finds those at midnight, and none where the time or the zone is not touched', () => {
    expect(effects({ cron: '0 0 * * *' }, 'Africa/Cairo')).toEqual(['shifted 2027-04-30T00:00 04-29T22:00Z']);
    expect(effects({ cron: '0 9 * * *' }, 'Europe/Berlin')).toEqual([]);
    expect(effects({ cron: '30 2 * * *' }, 'Asia/Kolkata')).toEqual([]);
    expect(effects({ interval: { every: '10m' } }, 'Europe/Berlin')).toEqual([]);
  });

  it('of every hour has each that comes, the one that comes twice too', () => {
    expect(effects({ cron: '0 * * * *' }, 'Europe/Berlin')).toEqual([
      'doubled 2027-10-31T02:00 10-31T00:00Z 10-31T01:00Z',
    ]);
  });

  it('finds the busiest day, by the clock of its zone', () => {
    const busiest = (written: object, timezone: string) =>
      simulate(scheduled(written, timezone), from, 400).busiestDay;
    expect(busiest({ cron: '0 * * * *' }, 'Europe/Berlin')).toEqual({ date: '2027-10-31', times: 25 });
    expect(busiest({ cron: '0 23 * * *' }, 'Asia/Tokyo')).toEqual({ date: '2026-11-25', times: 1 });
    const over = { cron: '@daily', endAt: '2026-11-20T00:00:00Z' };
    expect(busiest(over, 'UTC')).toBeNull();
  });

  it('ends at the limit of times, and says so', () => {
    const often = simulate(scheduled({ interval: { every: '1s' } }, 'UTC'), from, 800);
    expect(often).toMatchObject({ isCut: true, times: limits.simulatedTimes });
    expect(often.until).toBe(from + limits.simulatedTimes * 1_000);
  });

  it('shows no more effects than the limit', () => {
    expect(effects({ cron: '* * * * *' }, 'Europe/Berlin', 400)).toHaveLength(60);
    expect(effects({ cron: '* * * * *' }, 'Europe/Berlin', 800)).toHaveLength(limits.clockEffectsShown);
  });

  it('predicts overlaps by what runs took so far', () => {
    const durations = { of: 'schedule', runs: 20, medianMs: 5 * minute, p95Ms: 90 * minute } as const;
    const { predicted } = simulate(scheduled({ cron: '@hourly' }, 'UTC', { durations }), from, 1);
    expect(predicted?.median).toMatchObject({ durationMs: 5 * minute, runs: 24, overlaps: 0, skipped: 0 });
    expect(predicted?.p95).toMatchObject({ durationMs: 90 * minute, runs: 12, overlaps: 12, skipped: 12 });
    expect(simulate(scheduled({ cron: '@hourly' }, 'UTC'), from, 1).predicted).toBeNull();
  });
});

describe('overlaps', () => {
  const times = [0, 10, 20, 30, 40, 50];
  const none = { skipped: 0, buffered: 0, ended: 0, openAtOnceMax: 1, waitMaxMs: 0 };
  const predict = (overlap: OverlapPolicy, durationMs: number, runsMax = 100) =>
    predictOverlaps(times, overlap, { durationMs, runsMax });

  it.each<[OverlapPolicy, object]>([
    ['skip', { ...none, runs: 3, overlaps: 3, skipped: 3 }],
    // 0, 10 begins at 15, 20 at 30, 30 waits for 45, 40 is dropped, 50 begins at 60.
    ['buffer_one', { ...none, runs: 5, overlaps: 5, skipped: 1, buffered: 4, waitMaxMs: 15 }],
    ['buffer_all', { ...none, runs: 6, overlaps: 5, buffered: 5, waitMaxMs: 25 }],
    ['cancel_other', { ...none, runs: 6, overlaps: 5, ended: 5 }],
    ['terminate_other', { ...none, runs: 6, overlaps: 5, ended: 5 }],
    ['allow_all', { ...none, runs: 6, overlaps: 5, openAtOnceMax: 2 }],
  ])('of runs that take half as long again as to the next time: %s', (overlap, expected) => {
    expect(predict(overlap, 15)).toEqual({ durationMs: 15, ...expected });
  });

  it('are none where a run ends as the next time comes', () => {
    expect(predict('skip', 10)).toMatchObject({ ...none, runs: 6, overlaps: 0 });
  });

  it('end with the runs that a schedule may make', () => {
    expect(predict('allow_all', 100, 3)).toMatchObject({ runs: 3, overlaps: 2, openAtOnceMax: 3 });
    expect(predict('skip', 15, 0)).toMatchObject({ runs: 0, openAtOnceMax: 0 });
  });

  it('of very many that wait are counted quickly', () => {
    const many = Array.from({ length: limits.simulatedTimes }, (_, at) => at);
    const begun = performance.now();
    expect(predictOverlaps(many, 'buffer_all', { durationMs: 1_000, runsMax: 1e9 }).buffered).toBe(
      many.length - 1,
    );
    expect(performance.now() - begun).toBeLessThan(2_000);
  });
});
