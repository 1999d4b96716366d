import type { Calendar, Interval } from './calendar.ts';
import type { Dst } from './policies.ts';

/** When a schedule fires: at the times of its calendars and intervals together, without those that are excluded. */
export interface Timing {
  readonly timezone: string;
  readonly calendars: readonly Calendar[];
  readonly intervals: readonly Interval[];
  /** Whole days of the time zone, as 2026-12-25. */
  readonly excludedDates: readonly string[];
  readonly exclusions: readonly Calendar[];
  readonly dst: Dst;
  /** Both are times at which it may still fire. */
  readonly startAt: number | null;
  readonly endAt: number | null;
  readonly jitterMs: number;
}
