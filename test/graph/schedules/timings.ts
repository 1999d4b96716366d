import { readSchedule } from '../../../graph/schedules/read-schedule.ts';
import { ticksAfter } from '../../../graph/schedules/ticks.ts';
import type { Timing } from '../../../graph/schedules/timing.ts';

export function timingOf(written: object, timezone = 'UTC'): Timing {
  const schedule = readSchedule(written, { timezone, now: Date.parse('2026-11-25T12:00:00Z') });
  if (!schedule.ok) throw new Error(JSON.stringify(schedule.problems));
  return schedule.timing;
}

/** As ISO times in UTC; with how the day's change of the clock matters, where it does. */
export function ticksOf(timing: Timing, after: string, until: string): string[] {
  return [...ticksAfter(timing, Date.parse(after), Date.parse(until))].map(
    ({ at, dst }) => new Date(at).toISOString().replace(':00.000Z', 'Z') + (dst === null ? '' : ` ${dst}`),
  );
}
