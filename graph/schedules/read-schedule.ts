import { milliseconds } from '../definition.ts';
import type { Problem, ProblemCode } from '../errors.ts';
import { isRecord, parsePart } from '../parse-part.ts';
import { ProblemList } from '../problem-list.ts';
import { pointer } from '../zod-problems.ts';
import { type Calendar, dayMs, type Interval, range } from './calendar.ts';
import { type FieldKind, fieldKinds, readField } from './cron-field.ts';
import { type ScheduleDefinition, scheduleDefinitionSchema, type WrittenCalendar } from './definition.ts';
import { defaultCatchUp, defaultDst, type Policies } from './policies.ts';
import { excludedMax } from './preview.ts';
import { readCron, whyNoInterval } from './read-cron.ts';
import { ticksAfter } from './ticks.ts';
import type { Timing } from './timing.ts';

export type ReadSchedule =
  | {
      readonly ok: true;
      readonly definition: ScheduleDefinition;
      readonly timing: Timing;
      readonly policies: Policies;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

type Path = readonly PropertyKey[];
type Refuse = (path: Path, message: string, code?: ProblemCode) => void;

/** Reads a schedule as it is written, and finds all that is wrong with it at once. Pure. */
export function readSchedule(
  input: unknown,
  project: { readonly timezone: string; readonly now: number },
): ReadSchedule {
  const problems = new ProblemList();
  const refuse: Refuse = (path, message, code = 'SHAPE_INVALID') =>
    problems.add(() => ({ code, path: pointer(path), message }));
  const definition = parsePart(scheduleDefinitionSchema, input, problems);
  const crons = readCrons(isRecord(input) ? input.cron : undefined, refuse);
  if (!definition) return { ok: false, problems: problems.shown };

  const intervals = [...crons.intervals, ...readInterval(definition, refuse)];
  const calendars = [...crons.calendars, ...readCalendars(definition.calendars, ['calendars'], 0, refuse)];
  const { exclude } = definition;
  const exclusions = readCalendars(exclude?.calendars, ['exclude', 'calendars'], '*', refuse);
  const excludedDates = exclude?.dates ?? [];
  if (definition.cron === undefined && !definition.interval && !definition.calendars) {
    refuse([], 'it never fires: give "cron", such as "30 2 * * *", or "interval", or "calendars"');
  }
  if (intervals.length > 0 && calendars.length > 0 && (excludedDates.length > 0 || exclusions.length > 0)) {
    refuse(
      ['exclude'],
      'times of the clock and an interval together cannot have exclusions: make two schedules',
    );
  }
  const policies = policiesOf(definition);
  if (policies.catchUp.missed === 'all' && !['buffer_all', 'allow_all'].includes(policies.overlap)) {
    refuse(
      ['catchUp', 'missed'],
      `all needs the overlap buffer_all or allow_all: ${policies.overlap} would drop some`,
    );
  }
  const timing: Timing = {
    timezone: definition.timezone ?? project.timezone,
    calendars,
    intervals,
    excludedDates,
    exclusions,
    dst: {
      gap: definition.dst?.gap ?? defaultDst.gap,
      overlap: definition.dst?.overlap ?? defaultDst.overlap,
    },
    startAt: readInstant(definition.startAt),
    endAt: readInstant(definition.endAt),
    jitterMs: milliseconds(definition.jitter) ?? 0,
  };
  if (timing.startAt !== null && timing.endAt !== null && timing.endAt < timing.startAt) {
    refuse(['endAt'], `expected a time after startAt (${definition.startAt})`);
  } else if (problems.count === 0 && !firesEver(timing, project.now)) {
    refuse([], 'no time matches it: look at its days and months, its exclusions, startAt and endAt');
  }
  if (problems.count > 0) return { ok: false, problems: problems.shown };
  return { ok: true, definition, timing, policies };
}

function policiesOf({ overlap, catchUp, pauseOnFailure }: ScheduleDefinition): Policies {
  const windowMs = milliseconds(catchUp?.window) ?? defaultCatchUp.windowMs;
  return {
    overlap: overlap ?? 'skip',
    catchUp: { missed: catchUp?.missed ?? defaultCatchUp.missed, windowMs },
    pauseOnFailure: pauseOnFailure ?? false,
  };
}

function readCrons(
  written: unknown,
  refuse: Refuse,
): { readonly calendars: Calendar[]; readonly intervals: Interval[] } {
  const found: { readonly calendars: Calendar[]; readonly intervals: Interval[] } = {
    calendars: [],
    intervals: [],
  };
  const texts: unknown[] = Array.isArray(written) ? written : [written];
  texts.forEach((text, index) => {
    if (typeof text !== 'string') return;
    const cron = readCron(text);
    const path = Array.isArray(written) ? ['cron', index] : ['cron'];
    if (!cron.ok) for (const message of cron.messages) refuse(path, message, 'CRON_INVALID');
    else if ('calendar' in cron) found.calendars.push(cron.calendar);
    else found.intervals.push(cron.interval);
  });
  return found;
}

function readInterval({ interval }: ScheduleDefinition, refuse: Refuse): Interval[] {
  if (!interval) return [];
  const read = { everyMs: milliseconds(interval.every) ?? 0, offsetMs: milliseconds(interval.offset) ?? 0 };
  const problem = whyNoInterval(read);
  if (problem !== undefined) refuse(['interval'], problem);
  return [read];
}

/** @param unset What an hour or a minute is that is not given. */
function readCalendars(
  written: readonly WrittenCalendar[] = [],
  path: Path,
  unset: 0 | '*',
  refuse: Refuse,
): Calendar[] {
  return written.map((calendar, index) => {
    const at = (name: keyof WrittenCalendar, kind: FieldKind, other: 0 | '*') => {
      const value = calendar[name] ?? other;
      const field = readField(kind, Array.isArray(value) ? value.join(',') : String(value));
      if (field.ok) return field;
      refuse([...path, index, name], field.message);
      return { values: range(kind.min, kind.max), isEvery: false };
    };
    const hour = at('hour', fieldKinds.hour, unset);
    return {
      months: at('month', fieldKinds.month, '*').values,
      daysOfMonth: at('dayOfMonth', fieldKinds.dayOfMonth, '*').values,
      daysOfWeek: at('dayOfWeek', fieldKinds.dayOfWeek, '*').values,
      hours: hour.values,
      minutes: at('minute', fieldKinds.minute, unset).values,
      isEveryHour: hour.isEvery,
      text: JSON.stringify(calendar),
    };
  });
}

function readInstant(text: string | undefined): number | null {
  return text === undefined ? null : Date.parse(text);
}

/** Long enough for each day of the calendar, February 29 among them, beside 2100. */
const everMs = 12 * 366 * dayMs;

/** One whose end has passed did fire. */
function firesEver(timing: Timing, now: number): boolean {
  const from = timing.startAt ?? Math.min(now, (timing.endAt ?? now) - everMs);
  return !ticksAfter(timing, from - 1, from + everMs, excludedMax).next().done;
}
