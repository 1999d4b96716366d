// What becomes of times for which Temporal waits until the run before has ended, when workers were away meanwhile.
import { expect, it } from 'vitest';
import { admitSlot, type FiredSchedule, heldSince } from '../../../graph/schedules/admit-slot.ts';
import { timingOf } from './timings.ts';

const minute = 60_000;
const begin = Date.parse('2026-12-01T09:00:00Z');

interface Story {
  readonly every: number;
  /** No worker is there from the first time until then. */
  readonly away: number;
  readonly missed: FiredSchedule['catchUp']['missed'];
  readonly overlap?: 'buffer_one' | 'buffer_all';
  /** How long a run takes, and until when times are fired. */
  readonly takes?: number;
  readonly until?: number;
  /** Temporal itself is away as well. */
  readonly isTemporalAway?: boolean;
}

/** Minutes after the first time that runs are of, as Temporal fires them one after the other. */
function runsOf({ every, away, missed, overlap = 'buffer_all', takes = 0, until, isTemporalAway }: Story) {
  const schedule: FiredSchedule = {
    timing: timingOf({ cron: `*/${every} * * * *` }),
    ...{ catchUp: { missed, windowMs: 60 * minute }, overlap, paused: false, isDeleted: false },
    ...{
      skipped: new Set<number>(),
      changedAt: begin - 60 * minute,
      definedAt: begin - 60 * minute,
      appliedAt: begin - 60 * minute,
    },
  };
  const back = begin + away * minute;
  const runs: { at: number; from: number; to: number }[] = [];
  const held: { since: number; until: number }[] = [];
  let free = isTemporalAway ? back : begin;
  const last = begin + (until ?? away) * minute;
  const oldest = isTemporalAway ? back - 60 * minute : begin;
  for (let at = begin; at <= last; at += every * minute) {
    if (at < oldest) continue;
    if (overlap === 'buffer_one' && at > begin + every * minute && at <= free) continue;
    const startedAt = Math.max(at, free);
    const now = Math.max(startedAt, back);
    const slot = {
      ...{ at, startedAt, now, taken: new Set(runs.map((run) => run.at)) },
      wasBusy: runs.some(({ from, to }) => from <= at && to > at),
      heldUntil: held.find((span) => span.since <= at && at < span.until)?.until ?? null,
    };
    const since = heldSince(schedule, slot);
    if (since !== null) held.push({ since, until: now });
    const admission = admitSlot(schedule, slot);
    free = now + 100;
    if (admission.admit !== 'run') continue;
    free = now + takes * minute + 100;
    runs.push({ at: admission.at, from: now, to: free });
  }
  return runs.map(({ at }) => (at - begin) / minute);
}

it('are missed, though Temporal starts them late', () => {
  expect(runsOf({ every: 1, away: 190, missed: 'none', overlap: 'buffer_one', until: 189 })).toEqual([]);
  expect(runsOf({ every: 5, away: 32, missed: 'none' })).toEqual([]);
  expect(runsOf({ every: 20, away: 185, missed: 'latest' })).toEqual([180]);
  expect(runsOf({ every: 20, away: 185, missed: 'all' })).toEqual([140, 160, 180]);
});

it('are not missed for longer while they wait for the runs that come of the outage', () => {
  expect(runsOf({ every: 20, away: 185, missed: 'all', takes: 50 })).toEqual([140, 160, 180]);
  expect(runsOf({ every: 20, away: 185, missed: 'latest', takes: 50 })).toEqual([180]);
});

it('that come after the outage run, however long they wait', () => {
  const after = { every: 20, away: 185, takes: 50, until: 240 } as const;
  expect(runsOf({ ...after, missed: 'latest' })).toEqual([180, 200, 220, 240]);
  expect(runsOf({ ...after, missed: 'none' })).toEqual([200, 220, 240]);
});

it('run, however long they wait, where nobody was away', () => {
  const waiting = { every: 10, away: 0, takes: 180, until: 60 } as const;
  for (const missed of ['none', 'latest', 'all'] as const) {
    expect(runsOf({ ...waiting, missed })).toEqual([0, 10, 20, 30, 40, 50, 60]);
  }
});

it('that Temporal itself has missed are caught up with as the others', () => {
  expect(runsOf({ every: 20, away: 185, missed: 'latest', takes: 90, isTemporalAway: true })).toEqual([180]);
  expect(runsOf({ every: 20, away: 185, missed: 'all', takes: 90, isTemporalAway: true })).toEqual([
    140, 160, 180,
  ]);
});
