// Schedules in Temporal, as its server has them: made, changed, deleted, and asked for their times.
import type { Client } from '@temporalio/client';
import { defaultPayloadConverter, toPayloads } from '@temporalio/common';
import { msNumberToTs, tsToMs } from '@temporalio/common/lib/time.js';
import proto, { type temporal } from '@temporalio/proto';
import type { OverlapPolicy } from '../../graph/schedules/policies.ts';
import type { TemporalSpec } from '../../graph/schedules/temporal-spec.ts';
import { workflowTypes } from '../../workflows/contract.ts';
import { isAlreadyThere, isNotFound } from '../temporal-errors.ts';
import { createScheduleViews } from './schedule-view.ts';
import { toSpecProto } from './spec-proto.ts';

type ScheduleProto = temporal.api.schedule.v1.ISchedule;
const { ScheduleOverlapPolicy } = proto.temporal.api.enums.v1;

/** All that Temporal is to know of a schedule. */
export interface ScheduleInTemporal {
  readonly temporalId: string;
  readonly spec: TemporalSpec;
  /** The argument of its workflows. */
  readonly input: unknown;
  readonly overlap: OverlapPolicy;
  readonly catchUpWindowMs: number;
  readonly pauseOnFailure: boolean;
  readonly paused: boolean;
  readonly note: string;
  /** How many runs it may make; null for any number. */
  readonly limit: number | null;
  /** Of the limit that it may have got before: what is left of it stays. */
  readonly isSameLimit: boolean;
}

export interface TemporalSchedules {
  put(schedule: ScheduleInTemporal): Promise<void>;
  /** Changes its state alone. */
  setPaused(state: Pick<ScheduleInTemporal, 'temporalId' | 'paused' | 'note'>): Promise<void>;
  /** What it is now, beside its state; null where it is not there. */
  seen(temporalId: string): Promise<string | null>;
  /** One that is not there is gone already. */
  remove(temporalId: string): Promise<void>;
  /** After `after`, up to and with `until`; at most 1,000. */
  times(temporalId: string, window: { readonly after: number; readonly until: number }): Promise<number[]>;
}

export interface TemporalSchedulesOptions {
  readonly client: Client;
  readonly taskQueue: string;
  /** Limits the time of a call, and gives its failure a code. */
  within<Answer>(call: () => Promise<Answer>): Promise<Answer>;
}

const identity = 'graphrun';

export function createTemporalSchedules(options: TemporalSchedulesOptions): TemporalSchedules {
  const { client, taskQueue, within } = options;
  const { workflowService } = client;
  const { namespace } = client.options;
  const views = createScheduleViews(client, within);
  return {
    put: (schedule) =>
      within(async () => {
        const { temporalId: scheduleId } = schedule;
        const wanted = toProto(schedule, taskQueue);
        if (await update(client, scheduleId, (before) => keepCount(schedule, wanted, before))) return;
        try {
          const requestId = crypto.randomUUID();
          await workflowService.createSchedule({
            namespace,
            scheduleId,
            schedule: wanted,
            requestId,
            identity,
          });
        } catch (error) {
          // Made by another one in between.
          if (!isAlreadyThere(error)) throw error;
          await update(client, scheduleId, (before) => keepCount(schedule, wanted, before));
        }
      }),
    setPaused: ({ temporalId, paused, note }) =>
      within(async () => {
        const change = (before: ScheduleProto) => ({
          ...before,
          state: { ...before.state, paused, notes: note },
        });
        await update(client, temporalId, change);
      }),
    seen: async (temporalId) => (await views.describe(temporalId))?.seen ?? null,
    remove: (scheduleId) =>
      within(async () => {
        try {
          await workflowService.deleteSchedule({ namespace, scheduleId, identity });
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
      }),
    times: (scheduleId, { after, until }) =>
      within(async () => {
        const times = { startTime: msNumberToTs(after), endTime: msNumberToTs(until) };
        const found = await workflowService.listScheduleMatchingTimes({ namespace, scheduleId, ...times });
        return (found.startTime ?? []).map((time) => tsToMs(time));
      }),
  };
}

/** False where it is not there. With a token that is outdated by then the server leaves the schedule as it was. */
async function update(
  { workflowService, options: { namespace } }: Client,
  scheduleId: string,
  change: (before: ScheduleProto) => ScheduleProto,
): Promise<boolean> {
  try {
    const { schedule, conflictToken } = await workflowService.describeSchedule({ namespace, scheduleId });
    await workflowService.updateSchedule({
      namespace,
      scheduleId,
      schedule: change(schedule ?? {}),
      conflictToken,
      requestId: crypto.randomUUID(),
      identity,
    });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

function keepCount(
  { isSameLimit }: ScheduleInTemporal,
  wanted: ScheduleProto,
  { state }: ScheduleProto,
): ScheduleProto {
  if (!isSameLimit || !wanted.state?.limitedActions || !state?.limitedActions) return wanted;
  return { ...wanted, state: { ...wanted.state, remainingActions: state.remainingActions ?? null } };
}

const overlaps: Readonly<Record<OverlapPolicy, number>> = {
  skip: ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_SKIP,
  buffer_one: ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE,
  buffer_all: ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_BUFFER_ALL,
  cancel_other: ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER,
  terminate_other: ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER,
  allow_all: ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL,
};

function toProto(schedule: ScheduleInTemporal, taskQueue: string): ScheduleProto {
  const { temporalId, input, limit, paused, note } = schedule;
  return {
    spec: toSpecProto(schedule.spec),
    action: {
      startWorkflow: {
        // Temporal adds the time of each run.
        workflowId: temporalId,
        workflowType: { name: workflowTypes.graphRun },
        taskQueue: { name: taskQueue },
        input: { payloads: toPayloads(defaultPayloadConverter, input) ?? [] },
        userMetadata: { summary: defaultPayloadConverter.toPayload(temporalId) },
      },
    },
    policies: {
      overlapPolicy: overlaps[schedule.overlap],
      catchupWindow: msNumberToTs(schedule.catchUpWindowMs),
      pauseOnFailure: schedule.pauseOnFailure,
    },
    state: {
      paused,
      notes: note,
      limitedActions: limit !== null,
      ...(limit !== null && { remainingActions: toLong(limit) }),
    },
  };
}

/** 64 bits, as the server's messages have them. */
function toLong(count: number) {
  return msNumberToTs(count * 1_000).seconds ?? null;
}
