// Gives a schedule to Temporal: as it was written where the server lists the same times for it, else as times in UTC.
import { randomUUID } from 'node:crypto';
import { agrees, isTouchedByChanges, windowsToCompare } from '../../graph/schedules/agreement.ts';
import { graceMs } from '../../graph/schedules/policies.ts';
import type { ReadSchedule } from '../../graph/schedules/read-schedule.ts';
import { readSchedule } from '../../graph/schedules/read-schedule.ts';
import { horizonMs, plainSpec, type TemporalSpec, utcSpec } from '../../graph/schedules/temporal-spec.ts';
import type { Timing } from '../../graph/schedules/timing.ts';
import type { OutsideSchedule } from '../../store/mirror-schedules.ts';
import type { PushedSchedule, ScheduleToPush } from '../../store/schedule-pushes.ts';
import { reconcile } from './reconcile.ts';
import type { DescribedSchedule } from './schedule-view.ts';
import type { ScheduleInTemporal, TemporalSchedules } from './temporal-schedules.ts';

/** Of schedules that are there for a moment, paused, to be asked for their times. */
export const probePrefix = 'graphrun-probe/';

export type Push =
  | { readonly outcome: 'put'; readonly pushed: PushedSchedule }
  | { readonly outcome: 'removed' }
  /** Temporal has a newer change, and was told nothing. */
  | { readonly outcome: 'outdated'; readonly schedule: OutsideSchedule }
  /** It was changed in Temporal each time that it was to be changed from here. */
  | { readonly outcome: 'contended' }
  /** It was there, and somebody has deleted it: whoever compares the two decides what it is here. */
  | { readonly outcome: 'missing' }
  /** Temporal has lost it, with its times, which stood there alone. */
  | { readonly outcome: 'lost' };

const triesMax = 5;

/** @throws CodedError TEMPORAL_UNAVAILABLE: it may be pushed again at any time */
export async function pushSchedule(
  temporal: TemporalSchedules,
  schedule: ScheduleToPush,
  now: number,
): Promise<Push> {
  const { temporalId, isDeleted } = schedule;
  if (isDeleted) {
    await temporal.remove(temporalId);
    return { outcome: 'removed' };
  }
  for (let tries = 0; tries < triesMax; tries += 1) {
    const before = await temporal.describe(temporalId);
    if (!before && schedule.isEnded) return { outcome: 'put', pushed: forgotten(schedule) };
    if (!before && schedule.isRenewal) return { outcome: 'missing' };
    if (!before && schedule.form === 'temporal' && schedule.seen === null && !schedule.isDefinedHere) {
      return { outcome: 'lost' };
    }
    const reconciled = reconcile(schedule, before?.view ?? null);
    if (reconciled.take) return { outcome: 'outdated', schedule: reconciled.take };
    const { paused, note, overruled } = reconciled;
    const put = await putSchedule(temporal, { ...schedule, paused, note }, before, now);
    if (put) return { outcome: 'put', pushed: { ...put, paused, note, overruled } };
  }
  return { outcome: 'contended' };
}

/** It fires no more, so that Temporal has forgotten it: made anew, it would begin to count again. */
function forgotten({ form, seen, paused, note }: ScheduleToPush): PushedSchedule {
  const told = { until: null, overruled: null, paused, note: note ?? '' };
  return { ...told, form: form ?? 'plain', seen: seen ?? '' };
}

type Put = Pick<PushedSchedule, 'form' | 'until' | 'seen'>;

/** Null where something else was done to it in Temporal in between. */
async function putSchedule(
  temporal: TemporalSchedules,
  schedule: ScheduleToPush,
  before: DescribedSchedule | null,
  now: number,
): Promise<Put | null> {
  const { timezone, temporalId, form, paused, note } = schedule;
  const read = readSchedule(schedule.definition, { timezone, now });
  if (!read.ok) {
    if (form !== 'temporal') throw new Error(`schedule ${temporalId} is stored, but is not valid`);
    // Its times are in Temporal alone.
    if (!before) return { form, until: null, seen: schedule.seen ?? '' };
    const after = await temporal.setPaused({ paused, note: note ?? '' }, before);
    return after && { form, until: null, seen: after.view.seen };
  }
  const put = (spec: TemporalSpec, over: DescribedSchedule | null) =>
    temporal.put(toTemporal(schedule, read, spec), over);
  const { timing } = read;
  const plain = plainSpec(timing);
  const end = windowsToCompare(timing, now).at(-1)?.until;
  let over = before;
  if (timing.calendars.length === 0 || end === undefined) {
    const after = await put(plain, over);
    return after && { form: 'plain', until: null, seen: after.view.seen };
  }
  if (!isTouchedByChanges(timing, now) || (await isReadAlike(temporal, schedule, timing, now))) {
    over = await put(plain, over);
    if (!over) return null;
    // The server's time zones may be of another version.
    if (await listsTheSame(temporal, temporalId, timing, now)) {
      return { form: 'plain', until: new Date(now + horizonMs), seen: over.view.seen };
    }
  }
  const utc = utcSpec(timing, now);
  const after = await put(utc, over);
  const until = utc.until === null ? null : new Date(utc.until);
  return after && { form: 'utc', until, seen: after.view.seen };
}

/** Asked of a schedule that is made for it, so that the real one never has times that are not its own. */
async function isReadAlike(
  temporal: TemporalSchedules,
  schedule: ScheduleToPush,
  timing: Timing,
  now: number,
): Promise<boolean> {
  const temporalId = `${probePrefix}${randomUUID()}`;
  const policies = { overlap: 'skip', catchUpWindowMs: graceMs, pauseOnFailure: false } as const;
  const state = {
    paused: true,
    note: `times of ${schedule.temporalId}`,
    limit: null,
    isSameLimit: false,
    made: 0,
  };
  await temporal.put({ temporalId, spec: plainSpec(timing), input: null, ...policies, ...state }, null);
  try {
    return await listsTheSame(temporal, temporalId, timing, now);
  } finally {
    await temporal.remove(temporalId);
  }
}

async function listsTheSame(
  temporal: TemporalSchedules,
  temporalId: string,
  timing: Timing,
  now: number,
): Promise<boolean> {
  for (const window of windowsToCompare(timing, now)) {
    if (!agrees(window, await temporal.times(temporalId, window), timing.jitterMs)) return false;
  }
  return true;
}

function toTemporal(
  schedule: ScheduleToPush,
  { definition, policies }: Extract<ReadSchedule, { ok: true }>,
  spec: TemporalSpec,
): ScheduleInTemporal {
  const { params, select, limit = null } = definition;
  const { missed, windowMs } = policies.catchUp;
  return {
    temporalId: schedule.temporalId,
    spec,
    input: { project: schedule.project, ...(params && { params }), ...(select && { select }) },
    overlap: policies.overlap,
    // What is in time when workers were away is so when Temporal was.
    catchUpWindowMs: missed === 'none' ? graceMs : Math.max(windowMs, graceMs),
    pauseOnFailure: policies.pauseOnFailure,
    paused: schedule.paused,
    note: schedule.note ?? '',
    limit,
    isSameLimit: limit === schedule.pushedLimit,
    made: schedule.made,
  };
}
