// From when to when a backfill goes, and the times of its schedule in between. Pure.
import type { Problem } from '../errors.ts';
import { limits } from '../limits.ts';
import { dayMs } from './calendar.ts';
import { excludedMax } from './preview.ts';
import { ticksAfter } from './ticks.ts';
import type { Timing } from './timing.ts';
import { instantOf } from './zone.ts';

export interface WrittenWindow {
  readonly from: string;
  readonly to?: string | undefined;
}

export interface Window {
  readonly from: number;
  readonly to: number;
}

export type ReadWindow =
  | { readonly ok: true; readonly window: Window; readonly slots: readonly number[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** The times in a window, oldest first, or all that is wrong with it. What is to come after `now` is left out. */
export function readWindow(written: WrittenWindow, timing: Timing, now: number): ReadWindow {
  const from = readMoment(written.from, timing.timezone, 'from');
  const to = written.to === undefined ? now : readMoment(written.to, timing.timezone, 'to');
  const problems = [
    ...(from === null ? [notRead('/from', written.from)] : []),
    ...(to === null ? [notRead('/to', written.to ?? '')] : []),
  ];
  if (from === null || to === null) return { ok: false, problems };
  if (from > now)
    return refuse('/from', `${show(from)} has not come yet: a backfill is of times that have passed`);
  if (from > to) return refuse('/to', `${show(to)} is before "from", ${show(from)}`);
  const window = { from, to: Math.min(to, now) };
  const slots = slotsWithin(timing, window);
  if (slots) return { ok: true, window, slots };
  const most = limits.slotsPerBackfill.toLocaleString('en');
  return refuse(
    '/to',
    `from ${show(window.from)} to ${show(window.to)} the schedule has more than ${most} times, which is the limit: take a shorter window`,
    'LIMIT_EXCEEDED',
  );
}

/** @returns null where there are more than a backfill may have, or than can be looked at. */
function slotsWithin(timing: Timing, { from, to }: Window): number[] | null {
  const slots: number[] = [];
  const ticks = ticksAfter(timing, from - 1, to, excludedMax);
  for (;;) {
    const next = ticks.next();
    if (next.done) return next.value ? slots : null;
    if (slots.length === limits.slotsPerBackfill) return null;
    slots.push(next.value.at);
  }
}

const datePattern = /^\d{4}-\d\d-\d\d$/;
const clockPattern = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?$/;
const instantPattern = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/i;
/** Before it clocks were set by the sun, and no schedule fired. */
const earliest = 0;

/** A time with its offset, or what the clock of a zone shows: a date is its beginning, or its end. */
function readMoment(text: string, timezone: string, edge: 'from' | 'to'): number | null {
  const at = readAny(text.trim(), timezone, edge);
  return at === null || Number.isNaN(at) || at < earliest ? null : at;
}

function readAny(text: string, timezone: string, edge: 'from' | 'to'): number | null {
  const day = Date.parse(`${text.slice(0, 10)}T00:00:00Z`);
  // February 30 is no day, whatever is made of it.
  if (Number.isNaN(day) || new Date(day).toISOString().slice(0, 10) !== text.slice(0, 10)) return null;
  if (instantPattern.test(text)) return Date.parse(text.replace(' ', 'T').toUpperCase());
  if (clockPattern.test(text)) {
    const clock = Date.parse(`${text.replace(' ', 'T')}Z`);
    return Number.isNaN(clock) ? null : instantOf(timezone, clock, edge === 'from' ? 'earlier' : 'later');
  }
  if (!datePattern.test(text)) return null;
  return edge === 'from'
    ? instantOf(timezone, day, 'earlier')
    : instantOf(timezone, day + dayMs, 'earlier') - 1;
}

function notRead(path: string, text: string): Problem {
  const examples = '2026-11-01, 2026-11-01T09:00 (both on the clock of the schedule) or 2026-11-01T08:00:00Z';
  const message = `read ${JSON.stringify(text)}, expected a date or a time since 1970, such as ${examples}`;
  return { code: 'SHAPE_INVALID', path, message };
}

function refuse(path: string, message: string, code: Problem['code'] = 'SHAPE_INVALID'): ReadWindow {
  return { ok: false, problems: [{ code, path, message }] };
}

function show(at: number): string {
  return new Date(at).toISOString();
}
