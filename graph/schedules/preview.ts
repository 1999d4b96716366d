import { minuteMs } from './calendar.ts';
import type { ScheduleTick } from './resources.ts';
import { type Tick, ticksAfter } from './ticks.ts';
import type { Timing } from './timing.ts';
import { offsetAt, stretchesOf } from './zone.ts';

/** How far ahead times are looked for. */
const lookAheadMs = 12 * 366 * 86_400_000;
/** Excluded times that are looked at on the way; what is beyond them is not shown. */
export const excludedMax = 200_000;

/** The next ones, as people read them, without one that is skipped. Pure. */
export function nextTicks(timing: Timing, after: number, count: number, skipAt: Date | null): ScheduleTick[] {
  const found: ScheduleTick[] = [];
  for (const tick of ticksAfter(timing, after, after + lookAheadMs, excludedMax)) {
    if (tick.at === skipAt?.getTime()) continue;
    found.push(showTick(timing.timezone, tick));
    if (found.length === count) break;
  }
  return found;
}

/** @param dst What a change of the clock has to do with it; null where that is not known. */
export function showTick(timezone: string, { at, dst }: Tick): ScheduleTick {
  const offsetMs = offsetAt(stretchesOf(timezone, at, at + 1), at);
  const local = new Date(at + offsetMs).toISOString().slice(0, 19) + showOffset(offsetMs);
  return { at: new Date(at).toISOString(), local, dst };
}

function showOffset(offsetMs: number): string {
  const minutes = Math.abs(offsetMs) / minuteMs;
  const pad = (number: number) => String(Math.floor(number)).padStart(2, '0');
  return `${offsetMs < 0 ? '-' : '+'}${pad(minutes / 60)}:${pad(minutes % 60)}`;
}
