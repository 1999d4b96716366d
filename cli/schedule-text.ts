import type { SchedulePreview, ScheduleView } from '../client/index.ts';
import { formatColumns, formatTime, printable, styleTitles } from './text.ts';

export function renderSchedule(schedule: ScheduleView): string {
  const { project, name, timezone, form, isApplied, problem } = schedule;
  const applied = isApplied ? `as ${form}` : `not yet${problem === null ? '' : `: ${printable(problem)}`}`;
  const rows = [
    ['schedule', `${project}/${name}`],
    ['times', timesOf(schedule)],
    ...limitsOf(schedule.definition),
    ['time zone', timezone],
    ['state', stateOf(schedule)],
    ['next', nextOf(schedule)],
    ...(schedule.endedAt === null ? [] : [['ended', formatTime(schedule.endedAt)]]),
    ...(schedule.skipAt === null ? [] : [['skipped', formatTime(schedule.skipAt)]]),
    ...rulesOf(schedule.definition),
    ['in Temporal', applied],
    ['changed', `${formatTime(schedule.updatedAt)} by ${printable(schedule.updatedBy)}`],
  ];
  return formatColumns(rows);
}

export function renderSchedules(schedules: readonly ScheduleView[], color: boolean): string {
  if (schedules.length === 0) return 'no schedules';
  const titles = styleTitles(['SCHEDULE', 'TIMES', 'TIME ZONE', 'NEXT', 'STATE'], color);
  const rows = schedules.map((schedule) => [
    schedule.name,
    timesOf(schedule),
    schedule.timezone,
    nextOf(schedule),
    stateInList(schedule),
  ]);
  return formatColumns([titles, ...rows]);
}

export function renderPreview({ items, timezone, readBy }: SchedulePreview): string {
  if (items.length === 0) return 'it does not fire any more';
  const rows = items.map(({ at, local, dst }) => [local, formatTime(at), dst ?? '']);
  return formatColumns([[timezone, 'UTC', readBy === 'temporal' ? 'as Temporal reads it' : ''], ...rows]);
}

type Definition = ScheduleView['definition'];

/** Which of its times count, where something says so. */
function limitsOf({ exclude, dst, jitter, startAt, endAt, limit }: Definition): string[][] {
  const facts = [
    ['without', exclude && JSON.stringify(exclude)],
    ['clock change', dst && JSON.stringify(dst)],
    ['jitter', jitter],
    ['from', startAt],
    ['until', endAt],
    ['limit', limit && `${limit} runs in all`],
  ];
  return given(facts);
}

/** What becomes of its times; overlap and catch-up as they are where nothing is said. */
function rulesOf({ overlap = 'skip', catchUp, params, select, pauseOnFailure }: Definition): string[][] {
  const { missed = 'latest', window = '1h' } = catchUp ?? {};
  const facts = [
    ['params', params && JSON.stringify(params)],
    ['select', select?.join(', ')],
    ['overlap', overlap],
    ['catch-up', missed === 'none' ? 'none' : `${missed} of ${window}`],
    ['on failure', pauseOnFailure && 'it is paused'],
  ];
  return given(facts);
}

function given(facts: readonly (readonly (string | number | boolean | undefined)[])[]): string[][] {
  return facts.flatMap(([title, value]) => (value ? [[String(title), printable(String(value))]] : []));
}

function stateOf({ paused, endedAt, note }: ScheduleView): string {
  const state = paused ? 'paused' : 'on';
  return `${endedAt === null ? state : 'ended'}${note === null ? '' : `: ${printable(note)}`}`;
}

/** One whose last change Temporal does not take does not do what it says. */
function stateInList(schedule: ScheduleView): string {
  const { problem } = schedule;
  return `${stateOf(schedule)}${problem === null ? '' : ` (not in Temporal: ${printable(problem)})`}`;
}

/** Of one that was written with Temporal's own tools, only Temporal can tell. */
function nextOf({ nextAt, temporalSpec, paused, endedAt }: ScheduleView): string {
  const isToldThere = temporalSpec !== null && !paused && endedAt === null;
  return nextAt === null && isToldThere ? 'see preview' : formatTime(nextAt);
}

function timesOf({ definition, temporalSpec }: ScheduleView): string {
  const { cron = [], interval, calendars = [] } = definition;
  const every = interval && `every ${interval.every}${interval.offset ? ` + ${interval.offset}` : ''}`;
  const texts = [cron, every ?? [], calendars.map((calendar) => JSON.stringify(calendar))].flat();
  return texts.length === 0 && temporalSpec !== null ? 'read by Temporal' : printable(texts.join(', '));
}
