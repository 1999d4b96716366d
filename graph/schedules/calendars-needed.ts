// Whether the times of a schedule are few enough calendars for Temporal's server, which computes over all of them, and takes no
// schedule of more than 2 MB. Pure.
import type { Problem } from '../errors.ts';
import { limits } from '../limits.ts';
import { isTouchedByChanges } from './agreement.ts';
import { utcSpec } from './temporal-spec.ts';
import type { Timing } from './timing.ts';

/** Up to here no days and months that are said can come near the limit. */
const alwaysFew = 2;

/** Null where they are. Those that the server reads as they are written need no calendars but their own. */
export function tooManyCalendars(timing: Timing, now: number): Problem | null {
  if (timing.calendars.length <= alwaysFew || !isTouchedByChanges(timing, now)) return null;
  const needed = utcSpec(timing, now).calendars.length;
  if (needed <= limits.calendarsInTemporal) return null;
  const why = `in ${timing.timezone}, where the clock is changed, its times come to ${needed} calendars in Temporal`;
  const message = `${why}; expected at most ${limits.calendarsInTemporal}: make several schedules of it, or give "timezone": "UTC"`;
  return { code: 'LIMIT_EXCEEDED', path: '', message };
}
