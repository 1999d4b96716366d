// Gives a schedule to Temporal: as it was written where the server lists the same times for it, else as times in UTC.
import { randomUUID } from 'node:crypto';
import { agrees, isTouchedByChanges, windowsToCompare } from '../../graph/schedules/agreement.ts';
import type { ReadSchedule } from '../../graph/schedules/read-schedule.ts';
import { readSchedule } from '../../graph/schedules/read-schedule.ts';
import { horizonMs, plainSpec, type TemporalSpec, utcSpec } from '../../graph/schedules/temporal-spec.ts';
import type { Timing } from '../../graph/schedules/timing.ts';
import type { PushedSchedule, ScheduleToPush } from '../../store/schedule-pushes.ts';
import type { ScheduleInTemporal, TemporalSchedules } from './temporal-schedules.ts';

/** Of schedules that are there for a moment, paused, to be asked for their times. */
export const probePrefix = 'graphrun-probe/';

/** Temporal's least. */
const catchUpWindowMsMin = 10_000;

/** @throws CodedError TEMPORAL_UNAVAILABLE: it may be pushed again at any time */
export async function pushSchedule(
  temporal: TemporalSchedules,
  schedule: ScheduleToPush,
  now: number,
): Promise<PushedSchedule | null> {
  const { temporalId, isDeleted } = schedule;
  if (isDeleted) {
    await temporal.remove(temporalId);
    return null;
  }
  const pushed = await putSchedule(temporal, schedule, now);
  return { ...pushed, seen: (await temporal.seen(temporalId)) ?? '' };
}

async function putSchedule(
  temporal: TemporalSchedules,
  schedule: ScheduleToPush,
  now: number,
): Promise<Omit<PushedSchedule, 'seen'>> {
  const { timezone, temporalId, form, paused, note } = schedule;
  const read = readSchedule(schedule.definition, { timezone, now });
  if (!read.ok) {
    if (form !== 'temporal') throw new Error(`schedule ${temporalId} is stored, but is not valid`);
    // Its times are in Temporal alone.
    await temporal.setPaused({ temporalId, paused, note: note ?? '' });
    return { form, until: null };
  }
  const put = (spec: TemporalSpec) => temporal.put(toTemporal(schedule, read, spec));
  const { timing } = read;
  const plain = plainSpec(timing);
  const until = windowsToCompare(timing, now).at(-1)?.until;
  if (timing.calendars.length === 0 || until === undefined) {
    await put(plain);
    return { form: 'plain', until: null };
  }
  const isPlain = isTouchedByChanges(timing, now) ? await isReadAlike(temporal, schedule, timing, now) : true;
  if (isPlain) {
    await put(plain);
    // The server's time zones may be of another version.
    if (await listsTheSame(temporal, temporalId, timing, now)) {
      return { form: 'plain', until: new Date(now + horizonMs) };
    }
  }
  const utc = utcSpec(timing, now);
  await put(utc);
  return { form: 'utc', until: utc.until === null ? null : new Date(utc.until) };
}

/** Asked of a schedule that is made for it, so that the real one never has times that are not its own. */
async function isReadAlike(
  temporal: TemporalSchedules,
  schedule: ScheduleToPush,
  timing: Timing,
  now: number,
): Promise<boolean> {
  const temporalId = `${probePrefix}${randomUUID()}`;
  const policies = { overlap: 'skip', catchUpWindowMs: catchUpWindowMsMin, pauseOnFailure: false } as const;
  const state = { paused: true, note: `times of ${schedule.temporalId}`, limit: null, isSameLimit: false };
  await temporal.put({ temporalId, spec: plainSpec(timing), input: null, ...policies, ...state });
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
    catchUpWindowMs: missed === 'none' ? catchUpWindowMsMin : Math.max(windowMs, catchUpWindowMsMin),
    pauseOnFailure: policies.pauseOnFailure,
    paused: schedule.paused,
    note: schedule.note ?? '',
    limit,
    isSameLimit: limit === schedule.pushedLimit,
  };
}
