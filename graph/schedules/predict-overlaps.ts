// What an overlap policy would make of a schedule's times, if each run took as long. Pure.
import type { OverlapPolicy } from './policies.ts';

export interface OverlapPrediction {
  readonly durationMs: number;
  readonly runs: number;
  /** Times at which an earlier run of the schedule is still open, or waits. */
  readonly overlaps: number;
  /** Of these, times that make no run. */
  readonly skipped: number;
  /** Of these, times whose run begins later, when those before it have ended. */
  readonly buffered: number;
  /** Runs that are cancelled or terminated for a later one. */
  readonly ended: number;
  readonly openAtOnceMax: number;
  /** From a time to the begin of its run. */
  readonly waitMaxMs: number;
}

type Counts = { -readonly [Name in keyof OverlapPrediction]: OverlapPrediction[Name] };

/** @param times In ascending order. `runsMax`: how many runs the schedule may make. */
export function predictOverlaps(
  times: readonly number[],
  overlap: OverlapPolicy,
  { durationMs, runsMax }: { readonly durationMs: number; readonly runsMax: number },
): OverlapPrediction {
  const counts: Counts = {
    ...{ durationMs, runs: 0, overlaps: 0, skipped: 0, buffered: 0, ended: 0 },
    ...{ openAtOnceMax: 0, waitMaxMs: 0 },
  };
  /** When runs begin, in order, those that wait among them. */
  const begins: number[] = [];
  /** Those before it have ended. */
  let open = 0;
  for (const at of times) {
    if (counts.runs === runsMax) break;
    while (open < begins.length && (begins[open] ?? 0) + durationMs <= at) open += 1;
    const last = open < begins.length ? begins.at(-1) : undefined;
    if (last !== undefined) counts.overlaps += 1;
    const begin = last === undefined ? at : beginAfter(last, overlap, { at, durationMs });
    if (begin === null) {
      counts.skipped += 1;
      continue;
    }
    if (endsOthers.has(overlap)) {
      counts.ended += begins.length - open;
      open = begins.length;
    }
    begins.push(begin);
    counts.runs += 1;
    if (begin > at) counts.buffered += 1;
    counts.waitMaxMs = Math.max(counts.waitMaxMs, begin - at);
    const openNow = overlap === 'allow_all' ? begins.length - open : 1;
    counts.openAtOnceMax = Math.max(counts.openAtOnceMax, openNow);
  }
  return counts;
}

const endsOthers: ReadonlySet<OverlapPolicy> = new Set(['cancel_other', 'terminate_other']);

/** Of a time at which others are open, the last of which begins, or has begun, at `last`. Null where it makes no run. */
function beginAfter(
  last: number,
  overlap: OverlapPolicy,
  { at, durationMs }: { readonly at: number; readonly durationMs: number },
): number | null {
  switch (overlap) {
    case 'skip':
      return null;
    case 'buffer_one':
      return last > at ? null : last + durationMs;
    case 'buffer_all':
      return last + durationMs;
    case 'cancel_other':
    case 'terminate_other':
    case 'allow_all':
      return at;
  }
}
