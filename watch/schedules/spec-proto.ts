// The times of a schedule, as Temporal's server takes them.
import { msNumberToTs } from '@temporalio/common/lib/time.js';
import type { temporal } from '@temporalio/proto';
import type { TemporalCalendar } from '../../graph/schedules/temporal-calendar.ts';
import type { TemporalSpec } from '../../graph/schedules/temporal-spec.ts';

type SpecProto = temporal.api.schedule.v1.IScheduleSpec;
type CalendarProto = temporal.api.schedule.v1.IStructuredCalendarSpec;

export function toSpecProto(spec: TemporalSpec): SpecProto {
  return {
    structuredCalendar: spec.calendars.map(toCalendarProto),
    interval: spec.intervals.map(({ everyMs, offsetMs }) => ({
      interval: msNumberToTs(everyMs),
      phase: msNumberToTs(offsetMs),
    })),
    excludeStructuredCalendar: spec.exclusions.map(toCalendarProto),
    ...(spec.startAt !== null && { startTime: msNumberToTs(spec.startAt) }),
    ...(spec.endAt !== null && { endTime: msNumberToTs(spec.endAt) }),
    ...(spec.jitterMs > 0 && { jitter: msNumberToTs(spec.jitterMs) }),
    timezoneName: spec.timezone,
  };
}

const all = {
  months: [{ start: 1, end: 12, step: 1 }],
  daysOfMonth: [{ start: 1, end: 31, step: 1 }],
  daysOfWeek: [{ start: 0, end: 6, step: 1 }],
};

function toCalendarProto(calendar: TemporalCalendar): CalendarProto {
  const { years, hours, minutes, seconds, comment } = calendar;
  return {
    ...(years && { year: [...years] }),
    month: [...(calendar.months ?? all.months)],
    dayOfMonth: [...(calendar.daysOfMonth ?? all.daysOfMonth)],
    dayOfWeek: [...(calendar.daysOfWeek ?? all.daysOfWeek)],
    hour: [...hours],
    minute: [...minutes],
    second: [...seconds],
    comment,
  };
}
