// What changes of the clock do to the times of a schedule. Pure.
import { hourMs } from './calendar.ts';
import type { Dst } from './policies.ts';
import { type Tick, ticksAfter } from './ticks.ts';
import type { Timing } from './timing.ts';
import { stretchesOf } from './zone.ts';

/**
 * `shifted`: the time that is written does not exist on its day, and fires later; `skipped`: it does not exist, and does not
 * fire; `once`: it comes twice, and fires once; `doubled`: it comes twice, and fires each time.
 */
export type ClockEffectKind = 'shifted' | 'skipped' | 'once' | 'doubled';

export interface ClockEffect {
  readonly effect: ClockEffectKind;
  /** As it is written: on the clock, without its distance to UTC. */
  readonly local: string;
  /** When it fires. */
  readonly at: readonly number[];
}

/** What a change does to a time, it does within a day of it; a zone may leave out a whole day. */
const aroundChangeMs = 26 * hourMs;
const allTimes: Dst = { gap: 'shift', overlap: 'both' };

/** After `after`, up to and with `until`; at most so many, in order. */
export function clockEffects(
  timing: Timing,
  { after, until, most }: { readonly after: number; readonly until: number; readonly most: number },
): ClockEffect[] {
  const found = new Map<string, ClockEffect>();
  for (const change of changesWithin(timing, after, until)) {
    const [from, to] = [Math.max(after, change - aroundChangeMs), Math.min(until, change + aroundChangeMs)];
    const fires = new Set<number>();
    for (const { at } of ticksAfter(timing, from, to)) fires.add(at);
    for (const tick of ticksAfter({ ...timing, dst: allTimes }, from, to)) {
      if (tick.dst === null) continue;
      const local = writtenAs(timing, tick);
      const before = found.get(local)?.at ?? [];
      const at = fires.has(tick.at) && !before.includes(tick.at) ? [...before, tick.at] : before;
      if (!found.has(local) && found.size === most) return [...found.values()];
      found.set(local, { effect: effectOf(tick, at), local, at });
    }
  }
  return [...found.values()];
}

function effectOf({ dst }: Tick, at: readonly number[]): ClockEffectKind {
  if (dst === 'gap') return at.length > 0 ? 'shifted' : 'skipped';
  return at.length > 1 ? 'doubled' : 'once';
}

function changesWithin({ timezone }: Timing, after: number, until: number): number[] {
  const changes = stretchesOf(timezone, after, until).map(({ to }) => to);
  return changes.filter((change) => change > after - aroundChangeMs && change < until + aroundChangeMs);
}

/** A time that does not exist is moved by what the clock is put forward: by the clock as it was before, it is itself. */
function writtenAs({ timezone }: Timing, { at, dst }: Tick): string {
  const stretches = stretchesOf(timezone, at - aroundChangeMs, at + 1);
  const now = stretches.findIndex(({ to }) => at < to);
  const offsetMs = stretches[dst === 'gap' ? now - 1 : now]?.offsetMs ?? 0;
  return new Date(at + offsetMs).toISOString().slice(0, 16);
}
