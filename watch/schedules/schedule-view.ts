// Schedules as Temporal has them, whoever made them. Lists find, a little late; Describe decides.
import { createHash } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { tsToMs } from '@temporalio/common/lib/time.js';
import proto, { type google, type temporal } from '@temporalio/proto';
import { isRecord } from '../../graph/parse-part.ts';
import { type OverlapPolicy, overlapPolicies } from '../../graph/schedules/policies.ts';
import { toText } from '../../store/json.ts';
import type { ScheduleEnd } from '../../store/mirror-schedules.ts';
import { isNotFound } from '../temporal-errors.ts';

type ScheduleProto = temporal.api.schedule.v1.ISchedule;
const { ScheduleOverlapPolicy } = proto.temporal.api.enums.v1;
const { Schedule: ScheduleMessage } = proto.temporal.api.schedule.v1;

export interface ListedSchedule {
  readonly temporalId: string;
  readonly workflowType: string;
  readonly paused: boolean;
  readonly note: string;
  /** Of its times, as far as the list shows them. */
  readonly times: string;
  /** It has no time to come. */
  readonly isOver: boolean;
}

export interface ScheduleInView {
  readonly temporalId: string;
  readonly workflowType: string;
  readonly taskQueue: string;
  /** The argument of its workflows; undefined where that cannot be read. */
  readonly input: unknown;
  readonly timezone: string;
  /** As JSON. */
  readonly spec: Readonly<Record<string, unknown>>;
  readonly overlap: OverlapPolicy;
  readonly catchUpWindowMs: number;
  readonly pauseOnFailure: boolean;
  readonly paused: boolean;
  readonly note: string;
  /** Changes with all but its state. */
  readonly seen: string;
  /** What it was, when it was last given to Temporal from here; null where it never was, or was replaced since. */
  readonly mark: string | null;
  /** When it was made or last updated, by Temporal's clock, in nanoseconds since 1970. A pause is no update. */
  readonly updatedAt: bigint;
  /** Null while there is a time to come, and a run left of its limit. */
  readonly end: ScheduleEnd | null;
}

/** As it stands in Temporal, for whoever is to change it. */
export interface DescribedSchedule {
  readonly view: ScheduleInView;
  readonly schedule: ScheduleProto;
  /** Of this state of it alone. */
  readonly conflictToken: Uint8Array | null;
}

/** As it was given to Temporal from here: nobody else has changed more than its state since. */
export function isOurs({ mark, seen }: Pick<ScheduleInView, 'mark' | 'seen'>): boolean {
  return mark === seen;
}

export interface ScheduleViews {
  /** Made with the namespace: one of the same name on another server has another. */
  namespaceId(): Promise<string>;
  /** Page by page. */
  list(): AsyncIterable<ListedSchedule[]>;
  /** Null where there is none. */
  describe(temporalId: string): Promise<ScheduleInView | null>;
}

/**
 * For one call. Temporal asks the workflow behind a schedule first in the queue of the worker that had it last; should that one
 * not poll just then, it asks elsewhere after 5 s (seen with many schedules at once).
 */
export const scheduleTimeoutMs = 8_000;

type Within = <Answer>(call: () => Promise<Answer>) => Promise<Answer>;

const pageSize = 1_000;

export function createScheduleViews(client: Client, within: Within): ScheduleViews {
  return {
    namespaceId: () =>
      within(async () => {
        const { namespace } = client.options;
        const { namespaceInfo } = await client.workflowService.describeNamespace({ namespace });
        return namespaceInfo?.id ?? '';
      }),
    list: () => listSchedules(client, within),
    describe: async (temporalId) => (await within(() => describeSchedule(client, temporalId)))?.view ?? null,
  };
}

async function* listSchedules(
  { workflowService, options: { namespace } }: Client,
  within: Within,
): AsyncGenerator<ListedSchedule[]> {
  let nextPageToken: Uint8Array | undefined;
  do {
    const asked = { namespace, maximumPageSize: pageSize, ...(nextPageToken && { nextPageToken }) };
    const page = await within(() => workflowService.listSchedules(asked));
    yield (page.schedules ?? []).map(({ scheduleId, info }) => ({
      temporalId: scheduleId ?? '',
      workflowType: info?.workflowType?.name ?? '',
      paused: info?.paused ?? false,
      note: toText(info?.notes ?? ''),
      times: hashOf(info?.spec),
      isOver: !info?.futureActionTimes?.length,
    }));
    nextPageToken = page.nextPageToken?.length ? page.nextPageToken : undefined;
  } while (nextPageToken);
}

/** Null where there is none. */
export async function describeSchedule(
  { workflowService, options: { namespace } }: Client,
  temporalId: string,
): Promise<DescribedSchedule | null> {
  try {
    const described = await workflowService.describeSchedule({ namespace, scheduleId: temporalId });
    const { info, conflictToken } = described;
    const schedule = described.schedule ?? {};
    const updatedAt = toNanoseconds(info?.updateTime ?? info?.createTime);
    const end = readEnd(info ?? {}, schedule, updatedAt);
    return { view: { temporalId, updatedAt, end, ...read(schedule) }, schedule, conflictToken };
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

function read(schedule: ScheduleProto) {
  const { spec, action, policies, state } = schedule;
  const start = action?.startWorkflow;
  const workflowType = start?.workflowType?.name ?? '';
  const taskQueue = start?.taskQueue?.name ?? '';
  const shown: unknown = JSON.parse(JSON.stringify(spec ?? {}));
  const { overlapPolicy, catchupWindow, pauseOnFailure } = policies ?? {};
  return {
    workflowType,
    taskQueue,
    input: readInput(start?.input?.payloads?.[0]),
    timezone: spec?.timezoneName || 'UTC',
    spec: isRecord(shown) ? shown : {},
    overlap: readOverlap(overlapPolicy ?? 0),
    catchUpWindowMs: catchupWindow ? tsToMs(catchupWindow) : 0,
    pauseOnFailure: pauseOnFailure ?? false,
    paused: state?.paused ?? false,
    note: toText(state?.notes ?? ''),
    seen: seenOf(schedule),
    mark: readMark(start?.header?.fields?.[markField]),
  };
}

/** Of all but its state, which others change as well. */
function seenOf({ spec, action, policies }: ScheduleProto): string {
  const start = action?.startWorkflow;
  const { workflowId, workflowType, taskQueue, input } = start ?? {};
  return hashOf([spec ?? {}, workflowType?.name ?? '', taskQueue?.name ?? '', workflowId, input, policies]);
}

const markField = 'graphrun-push';

/**
 * Whoever replaces a schedule in Temporal takes the mark away; whoever changes a part of it leaves one that does not fit. So it
 * tells what was put from here from what others made of it, whatever is known of it here.
 */
export function withMark(schedule: ScheduleProto): {
  readonly mark: string;
  readonly schedule: ScheduleProto;
} {
  const start = schedule.action?.startWorkflow;
  // As the server gives it back.
  const mark = seenOf(ScheduleMessage.decode(ScheduleMessage.encode(schedule).finish()));
  const header = { fields: { [markField]: defaultPayloadConverter.toPayload(mark) } };
  return { mark, schedule: { ...schedule, action: { startWorkflow: { ...start, header } } } };
}

function readMark(payload: temporal.api.common.v1.IPayload | undefined): string | null {
  const mark = readInput(payload);
  return typeof mark === 'string' ? mark : null;
}

function toNanoseconds(time: google.protobuf.ITimestamp | null | undefined): bigint {
  return BigInt(time?.seconds?.toString() ?? 0) * 1_000_000_000n + BigInt(time?.nanos ?? 0);
}

/** A week after that the server forgets it. */
function readEnd(
  { futureActionTimes, recentActions }: temporal.api.schedule.v1.IScheduleInfo,
  { state }: ScheduleProto,
  updatedAt: bigint,
): ScheduleEnd | null {
  const isUsedUp = state?.limitedActions === true && Number(state.remainingActions ?? 0) === 0;
  if (!isUsedUp && futureActionTimes?.length) return null;
  const fired = recentActions?.map(({ actualTime }) => (actualTime ? tsToMs(actualTime) : 0)) ?? [];
  const at = new Date(Math.max(Number(updatedAt / 1_000_000n), ...fired));
  return { at, by: isUsedUp ? 'limit' : 'times' };
}

/** As `SCHEDULE_OVERLAP_POLICY_BUFFER_ONE`; where it says none, the server skips. */
function readOverlap(code: number): OverlapPolicy {
  const name = String(ScheduleOverlapPolicy[code]).replace('SCHEDULE_OVERLAP_POLICY_', '').toLowerCase();
  return overlapPolicies.find((policy) => policy === name) ?? 'skip';
}

function readInput(payload: temporal.api.common.v1.IPayload | undefined): unknown {
  try {
    return payload ? defaultPayloadConverter.fromPayload(payload) : undefined;
  } catch {
    return undefined;
  }
}

function hashOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(value) ?? '')
    .digest('hex');
}
