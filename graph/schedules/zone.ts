// How far the clock of a time zone is from UTC, and when that changes: the IANA database as Node carries it.
import { Temporal } from 'temporal-polyfill';

/** A time from `from` up to `to` during which the clock is `offsetMs` ahead of UTC. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly offsetMs: number;
}

interface KnownStretches {
  readonly from: number;
  readonly to: number;
  readonly stretches: readonly Stretch[];
}

const known = new Map<string, KnownStretches>();
const knownMax = 1_000;

/** All that have to do with the time from `from` up to `to`, in order; the first and the last reach beyond it. */
export function stretchesOf(timezone: string, from: number, to: number): readonly Stretch[] {
  const found = known.get(timezone);
  if (found && found.from <= from && to <= found.to) return found.stretches;
  const wider = found ? { from: Math.min(from, found.from), to: Math.max(to, found.to) } : { from, to };
  const stretches = findStretches(timezone, wider.from, wider.to);
  if (known.size >= knownMax) known.clear();
  known.set(timezone, { ...wider, stretches });
  return stretches;
}

function findStretches(timezone: string, from: number, to: number): Stretch[] {
  const stretches: Stretch[] = [];
  let at: Temporal.ZonedDateTime | null =
    Temporal.Instant.fromEpochMilliseconds(from).toZonedDateTimeISO(timezone);
  let begin = Number.NEGATIVE_INFINITY;
  while (at) {
    const offsetMs: number = at.offsetNanoseconds / 1_000_000;
    const next: Temporal.ZonedDateTime | null =
      begin < to ? (at.getTimeZoneTransition('next') as Temporal.ZonedDateTime | null) : null;
    const end: number = next?.epochMilliseconds ?? Number.POSITIVE_INFINITY;
    stretches.push({ from: begin, to: end, offsetMs });
    begin = end;
    at = next;
  }
  return stretches;
}

/** When a clock shows a time, given as if that were UTC: of two such instants the one, and of a gap the one beside it. */
export function instantOf(timezone: string, clock: number, disambiguation: 'earlier' | 'later'): number {
  const shown = Temporal.Instant.fromEpochMilliseconds(clock).toZonedDateTimeISO('UTC').toPlainDateTime();
  return shown.toZonedDateTime(timezone, { disambiguation }).epochMilliseconds;
}

export function offsetAt(stretches: readonly Stretch[], instant: number): number {
  return stretchAt(stretches, instant).offsetMs;
}

export function stretchAt(stretches: readonly Stretch[], instant: number): Stretch {
  const found = stretches.find(({ to }) => instant < to);
  if (!found) throw new RangeError(`${instant} is after the last stretch that was asked for`);
  return found;
}
