// What a schedule would do in the days to come. Pure.
import { limits } from '../limits.ts';
import { dayMs } from './calendar.ts';
import { type ClockEffect, clockEffects } from './clock-changes.ts';
import type { OverlapPolicy } from './policies.ts';
import { type OverlapPrediction, predictOverlaps } from './predict-overlaps.ts';
import { excludedMax } from './preview.ts';
import { ticksAfter } from './ticks.ts';
import type { Timing } from './timing.ts';
import { offsetAt, stretchesOf } from './zone.ts';

/** How long runs took that have ended. */
export interface PastDurations {
  readonly of: 'schedule' | 'project';
  readonly runs: number;
  readonly medianMs: number;
  readonly p95Ms: number;
}

export interface SimulatedSchedule {
  readonly timing: Timing;
  readonly overlap: OverlapPolicy;
  readonly skipAt: number | null;
  /** How many runs it may still make. */
  readonly runsMax: number;
  /** Null where none has ended yet. */
  readonly durations: PastDurations | null;
}

export interface Simulation {
  readonly from: number;
  readonly until: number;
  /** It ends earlier than was asked for: more times are not looked at. */
  readonly isCut: boolean;
  readonly times: number;
  /** By the date on the clock of its zone. */
  readonly busiestDay: { readonly date: string; readonly times: number } | null;
  /** At most so many as the limits say; of all that was asked for. */
  readonly clockEffects: readonly ClockEffect[];
  /** With the median of past durations, and with what 19 of 20 took at most. */
  readonly predicted: { readonly median: OverlapPrediction; readonly p95: OverlapPrediction } | null;
}

export function simulate(schedule: SimulatedSchedule, from: number, days: number): Simulation {
  const { timing, overlap, skipAt, runsMax, durations } = schedule;
  const asked = from + days * dayMs;
  const times: number[] = [];
  let until = asked;
  for (const { at } of ticksAfter(timing, from, asked, excludedMax)) {
    if (at === skipAt) continue;
    if (times.length === limits.simulatedTimes) {
      until = times.at(-1) ?? from;
      break;
    }
    times.push(at);
  }
  const predict = (durationMs: number) => predictOverlaps(times, overlap, { durationMs, runsMax });
  return {
    from,
    until,
    isCut: until < asked,
    times: times.length,
    busiestDay: busiestDay(timing.timezone, times),
    clockEffects: clockEffects(timing, { after: from, until: asked, most: limits.clockEffectsShown }),
    predicted: durations && { median: predict(durations.medianMs), p95: predict(durations.p95Ms) },
  };
}

/** The first of those that have as many. */
function busiestDay(timezone: string, times: readonly number[]): Simulation['busiestDay'] {
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined) return null;
  const stretches = stretchesOf(timezone, first, last + 1);
  const counts = new Map<number, number>();
  let busiest = { day: 0, times: 0 };
  for (const at of times) {
    const day = Math.floor((at + offsetAt(stretches, at)) / dayMs);
    const count = (counts.get(day) ?? 0) + 1;
    counts.set(day, count);
    if (count > busiest.times) busiest = { day, times: count };
  }
  return { date: new Date(busiest.day * dayMs).toISOString().slice(0, 10), times: busiest.times };
}
