import { describe, expect, it } from 'vitest';
import { admitSlot, type FiredSchedule, type FiredSlot } from '../../../graph/schedules/admit-slot.ts';
import { timingOf } from './timings.ts';

const hour = 3_600_000;
const at = Date.parse('2026-12-01T09:00:00Z');
const changedAt = at - 24 * hour;
const hourly = timingOf({ cron: '@hourly' });

function admit(
  catchUp: FiredSchedule['catchUp'],
  slot: Partial<FiredSlot> = {},
  schedule: Partial<FiredSchedule> = {},
) {
  const admission = admitSlot(
    {
      timing: hourly,
      catchUp,
      overlap: 'buffer_all',
      paused: false,
      isDeleted: false,
      skipped: new Set(),
      changedAt,
      definedAt: schedule.changedAt ?? changedAt,
      appliedAt: schedule.changedAt ?? changedAt,
      ...schedule,
    },
    { at, startedAt: at, now: at + 100, wasBusy: false, heldUntil: null, taken: new Set(), ...slot },
  );
  if (admission.admit === 'drop') return `drop: ${admission.why}`;
  return admission.admit === 'run' ? `run ${new Date(admission.at).toISOString().slice(11, 16)}` : 'trigger';
}

const none = { missed: 'none', windowMs: hour } as const;
const latest = { missed: 'latest', windowMs: hour } as const;
const all = { missed: 'all', windowMs: 3 * hour } as const;

describe('a time that was fired', () => {
  it.each([none, latest, all])('runs when it comes in time: %j', (catchUp) => {
    expect(admit(catchUp)).toBe('run 09:00');
    expect(admit(catchUp, { startedAt: at + 1_000, now: at + 30_000 })).toBe('run 09:00');
  });

  it('is late by no more than its jitter', () => {
    const timing = timingOf({ cron: '@daily', jitter: '20m' });
    const midnight = Date.parse('2026-12-01T00:00:00Z');
    const moved = { at: midnight, startedAt: midnight + 20 * 60_000, now: midnight + 20 * 60_000 };
    expect(admit(none, moved, { timing })).toBe('run 00:00');
  });

  it('keeps its own time when it waited a moment for the run before it, whatever has come since', () => {
    const timing = timingOf({ interval: { every: '4s' } });
    const waited = { startedAt: at + 10_000, now: at + 10_500, wasBusy: true };
    for (const catchUp of [none, latest, all]) {
      expect(admit(catchUp, waited, { timing })).toBe('run 09:00');
      expect(admit(catchUp, { ...waited, startedAt: at + 50_000, now: at + 50_500 }, { timing })).toBe(
        'run 09:00',
      );
    }
  });

  it('that was missed runs as its policy says', () => {
    const missed = { now: at + 2.5 * hour };
    expect(admit(none, missed)).toBe('drop: it was missed, and is not caught up with');
    expect(admit(latest, missed)).toBe('run 11:00');
    expect(admit(all, missed)).toBe('run 09:00');
    const longAgo = { now: at + 3.5 * hour };
    expect(admit(all, longAgo)).toMatch(/^drop: it was missed for longer/);
    expect(admit({ ...latest, windowMs: hour / 4 }, missed)).toMatch(/^drop: it was missed for longer/);
  });

  it('makes one run of all that were missed, the newest', () => {
    const newest = new Set([at + 2 * hour]);
    const missed = { now: at + 2.5 * hour, taken: newest };
    expect(admit(latest, missed)).toBe('drop: a run was made for a later time, 2026-12-01T11:00:00.000Z');
    expect(admit(latest, { ...missed, at: at + 2 * hour })).toBe('drop: a run was made for this time before');
    expect(admit(all, missed)).toBe('run 09:00');
  });

  it('that waited for the run before, by the overlap policy, runs as it is', () => {
    expect(admit(latest, { startedAt: at + 1.5 * hour, now: at + 1.5 * hour, wasBusy: true })).toBe(
      'run 09:00',
    );
  });

  it('that nothing waits for is missed, though a run was open', () => {
    const missed = { now: at + 5 * hour, wasBusy: true };
    for (const overlap of ['allow_all', 'buffer_all'] as const) {
      expect(admit(none, missed, { overlap })).toMatch(/^drop: it was missed/);
      expect(admit(latest, missed, { overlap })).toBe('run 14:00');
      expect(admit(all, missed, { overlap })).toMatch(/^drop: it was missed/);
    }
    const late = { startedAt: at + 2 * hour, now: at + 2 * hour, wasBusy: true };
    expect(admit(all, { ...late, now: at + 3.5 * hour }, { overlap: 'allow_all' })).toMatch(/^drop/);
  });

  it('that Temporal starts, and that is admitted, up to a minute after the window', () => {
    for (const ms of [0, 30_000, 60_000]) {
      const late = { startedAt: at + 3 * hour + ms, now: at + 3 * hour + ms };
      expect(admit(all, late)).toBe('run 09:00');
      expect(admit(all, { ...late, startedAt: at })).toBe('run 09:00');
    }
    expect(admit(all, { now: at + 3 * hour + 61_000 })).toMatch(/^drop: it was missed for longer/);
  });

  it('that was asked for long after runs as it is, unless it ran', () => {
    const backfilled = { startedAt: at + 48 * hour, now: at + 48 * hour };
    for (const catchUp of [none, latest, all]) expect(admit(catchUp, backfilled)).toBe('run 09:00');
    expect(admit(latest, { ...backfilled, taken: new Set([at]) })).toMatch(/^drop: a run was made/);
  });

  it('of what the schedule was before does not run', () => {
    const before = { changedAt: at - 1_000, appliedAt: null };
    expect(admit(latest, {}, { ...before, isDeleted: true })).toBe('drop: the schedule was deleted');
    expect(admit(latest, {}, { ...before, paused: true })).toBe('drop: the schedule was paused');
    expect(admit(latest, {}, { ...before, timing: timingOf({ cron: '30 * * * *' }) })).toMatch(
      /^drop: .* changed/,
    );
  });

  it('that was skipped does not run, and the next one does', () => {
    expect(admit(latest, {}, { skipped: new Set([at]) })).toBe('drop: it was skipped');
    expect(
      admit(latest, { at: at + hour, startedAt: at + hour, now: at + hour }, { skipped: new Set([at]) }),
    ).toBe('run 10:00');
    const both = new Set([at, at + hour]);
    expect(admit(latest, { startedAt: at + hour, now: at + hour }, { skipped: both })).toBe(
      'drop: it was skipped',
    );
  });

  it('until Temporal had the change is of what the schedule was before, also when it has it', () => {
    const pushed = { changedAt: at - hour, appliedAt: at, timing: timingOf({ cron: '30 * * * *' }) };
    expect(admit(latest, {}, pushed)).toMatch(/^drop: .* changed/);
    expect(admit(latest, {}, { ...pushed, timing: hourly, paused: true })).toBe(
      'drop: the schedule was paused',
    );
    expect(admit(latest, {}, { ...pushed, appliedAt: at - 1 })).toBe('trigger');
    // It waited for another one since.
    expect(admit(latest, { startedAt: at + hour }, { ...pushed, appliedAt: at + 2_000 })).toMatch(/^drop/);
  });

  it('is a trigger where that came in the second in which Temporal had the change', () => {
    const moment = { at: at + 1_000, startedAt: at + 1_700, now: at + hour };
    const created = { changedAt: at + 900, appliedAt: at + 1_500, paused: true };
    expect(admit(none, moment, created)).toBe('trigger');
    expect(admit(none, moment, { ...created, changedAt: at + 1_300 })).toBe('trigger');
  });

  it('before the change runs by what the schedule was then', () => {
    const after = { changedAt: at + 1_000, appliedAt: null };
    expect(admit(latest, {}, { ...after, paused: true })).toBe('run 09:00');
    expect(admit(latest, {}, { ...after, timing: timingOf({ cron: '30 * * * *' }) })).toBe('run 09:00');
  });

  it('before its times were changed is one of then, and runs once, unless it was missed', () => {
    const edited = { changedAt: at + 1_000, timing: timingOf({ cron: '30 * * * *' }) };
    for (const catchUp of [none, latest, all]) expect(admit(catchUp, {}, edited)).toBe('run 09:00');
    expect(admit(latest, { now: at + hour / 2 }, edited)).toBe('run 09:00');
    expect(admit(latest, { taken: new Set([at]) }, edited)).toMatch(/^drop: a run was made for this time/);
    expect(admit(none, { now: at + 61_000 }, edited)).toMatch(/^drop: it was missed, and is not/);
    expect(admit(latest, { now: at + 2 * hour }, edited)).toMatch(/^drop: it was missed for longer/);
    // Not fired then: nothing tells that it was a time of the schedule.
    expect(admit(latest, { startedAt: at + hour, now: at + hour }, edited)).toBe('trigger');
    // Its times are the same; somebody has paused it.
    expect(admit(latest, { now: at + 2 * hour }, { ...edited, definedAt: at - 1_000 })).toBe('trigger');
  });
});

it('of a schedule that only Temporal reads each time runs once, however late', () => {
  const late = { now: at + 10 * hour };
  expect(admit(none, late, { timing: null })).toBe('run 09:00');
  expect(admit(none, { ...late, taken: new Set([at]) }, { timing: null })).toMatch(/^drop/);
});

it('a trigger is of no time, paused or not, and however late', () => {
  const moment = { at: at + 123_000, startedAt: at + 123_200 };
  expect(admit(latest, moment)).toBe('trigger');
  expect(admit(none, { ...moment, now: at + 10 * hour }, { paused: true })).toBe('trigger');
});
