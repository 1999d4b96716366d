// Schedules in Temporal, as its server has them: made, changed, deleted, and asked for their times.
import type { Client } from '@temporalio/client';
import { defaultPayloadConverter, toPayloads } from '@temporalio/common';
import { msNumberToTs, tsToMs } from '@temporalio/common/lib/time.js';
import proto, { type temporal } from '@temporalio/proto';
import type { OverlapPolicy } from '../../graph/schedules/policies.ts';
import type { TemporalSpec } from '../../graph/schedules/temporal-spec.ts';
import { workflowTypes } from '../../workflows/contract.ts';
import { isAlreadyThere, isNotFound } from '../temporal-errors.ts';
import { type DescribedSchedule, describeSchedule, type ScheduleInView, withMark } from './schedule-view.ts';
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
  /** Runs of the limit that there are: where Temporal has lost the schedule, it has lost their count as well. */
  readonly made: number;
}

/** Where something else was done to the schedule in between, each change answers with null: it was not taken. */
export interface TemporalSchedules {
  /** Null where it is not there. */
  describe(temporalId: string): Promise<DescribedSchedule | null>;
  /** Makes it where there was none before, or changes it. */
  put(schedule: ScheduleInTemporal, before: DescribedSchedule | null): Promise<DescribedSchedule | null>;
  /** Changes its state alone. */
  setPaused(
    state: Pick<ScheduleInTemporal, 'paused' | 'note'>,
    before: DescribedSchedule,
  ): Promise<DescribedSchedule | null>;
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
  return {
    describe: (temporalId) => within(() => describeSchedule(client, temporalId)),
    put: (schedule, before) =>
      within(() => {
        const { mark, schedule: wanted } = withMark(toProto(schedule, taskQueue));
        if (!before) return create(client, schedule.temporalId, takeUpCount(schedule, wanted));
        return update(
          client,
          before,
          keepCount(schedule, wanted, before.schedule),
          (view) => view.mark === mark,
        );
      }),
    setPaused: ({ paused, note }, before) =>
      within(() => {
        const { schedule, view } = before;
        const changed = { ...schedule, state: { ...schedule.state, paused, notes: note } };
        return update(client, before, changed, ({ seen }) => seen === view.seen);
      }),
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

async function create(
  client: Client,
  scheduleId: string,
  schedule: ScheduleProto,
): Promise<DescribedSchedule | null> {
  const { namespace } = client.options;
  try {
    const requestId = crypto.randomUUID();
    await client.workflowService.createSchedule({ namespace, scheduleId, schedule, requestId, identity });
  } catch (error) {
    if (!isAlreadyThere(error)) throw error;
    return null;
  }
  return describeSchedule(client, scheduleId);
}

/**
 * The server acknowledges an update, and then drops it without a word where the schedule is not any more what its token is of.
 * So it is asked what became of it.
 */
async function update(
  client: Client,
  { view, conflictToken }: DescribedSchedule,
  schedule: ScheduleProto,
  isTaken: (after: ScheduleInView) => boolean,
): Promise<DescribedSchedule | null> {
  const { namespace } = client.options;
  const { temporalId: scheduleId } = view;
  try {
    const requestId = crypto.randomUUID();
    await client.workflowService.updateSchedule({
      ...{ namespace, scheduleId, schedule, conflictToken, requestId, identity },
    });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return null;
  }
  const after = await describeSchedule(client, scheduleId);
  return after && after.view.updatedAt !== view.updatedAt && isTaken(after.view) ? after : null;
}

/** With none left it fires no more, and shows so. */
function takeUpCount({ isSameLimit, limit, made }: ScheduleInTemporal, wanted: ScheduleProto): ScheduleProto {
  if (!isSameLimit || limit === null) return wanted;
  return { ...wanted, state: { ...wanted.state, remainingActions: toLong(Math.max(0, limit - made)) } };
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
