// Whether Temporal's server reads a schedule as we do: where its times are to be compared with ours. Pure.
import { hourMs } from './calendar.ts';
import { horizonMs } from './temporal-spec.ts';
import { type Tick, ticksAfter } from './ticks.ts';
import type { Timing } from './timing.ts';
import { stretchesOf } from './zone.ts';

/** After `after`, up to and with `until`. */
export interface TimeWindow {
  readonly after: number;
  readonly until: number;
  /** Ours. */
  readonly ticks: readonly Tick[];
}

/** The server lists 1,000 times at once. */
const ticksPerWindow = 900;
/** What the server makes of a change of the clock shows within a day of it. */
const aroundChangeMs = 26 * hourMs;

/** All of the next 25 months; of a schedule that fires often, what comes next and the days on which the clock is changed. */
export function windowsToCompare(timing: Timing, now: number): TimeWindow[] {
  const from = Math.max(now, (timing.startAt ?? now) - 1);
  const until = from + horizonMs;
  const [next] = windowsWithin(timing, from, until, 1);
  if (!next || next.until === until) return next ? [next] : [];
  const around = changesWithin(timing, from, until).flatMap((change) =>
    windowsWithin(timing, Math.max(from, change - aroundChangeMs), change + aroundChangeMs),
  );
  return [next, ...around];
}

function windowsWithin(timing: Timing, from: number, until: number, most = 100): TimeWindow[] {
  const windows: TimeWindow[] = [];
  let after = from;
  let ticks: Tick[] = [];
  for (const tick of ticksAfter(timing, from, until)) {
    ticks.push(tick);
    if (ticks.length < ticksPerWindow) continue;
    windows.push({ after, until: tick.at, ticks });
    if (windows.length === most) return windows;
    after = tick.at;
    ticks = [];
  }
  return [...windows, { after, until, ticks }];
}

/** Close enough to a change of the clock for the server to read it otherwise. */
const touchesMs = 4 * hourMs;

/** Whether it fires near a change of the clock; one that does not is as plain there as it is here. */
export function isTouchedByChanges(timing: Timing, now: number): boolean {
  const from = Math.max(now, timing.startAt ?? now);
  const ofCalendars = { ...timing, intervals: [] };
  return changesWithin(timing, from, from + horizonMs).some((change) => {
    const near = ticksAfter(ofCalendars, change - touchesMs, change + touchesMs);
    return !near.next().done;
  });
}

function changesWithin({ timezone }: Timing, from: number, until: number): number[] {
  const changes = stretchesOf(timezone, from, until).map(({ to }) => to);
  return changes.filter((change) => change > from && change < until);
}

/** @param theirs What the server lists for a window: each moved by the schedule's jitter, which is less than to the next. */
export function agrees({ ticks, until }: TimeWindow, theirs: readonly number[], jitterMs: number): boolean {
  if (theirs.length > ticks.length) return false;
  return ticks.every(({ at }, index) => {
    const listed = theirs[index];
    // The last ones may have been moved beyond the window.
    if (listed === undefined) return at + jitterMs > until;
    return listed >= at && listed <= at + jitterMs;
  });
}
