// Schedules as Temporal has them, whoever made them. Lists find, a little late; Describe decides.
import { createHash } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { tsToMs } from '@temporalio/common/lib/time.js';
import proto, { type temporal } from '@temporalio/proto';
import { isRecord } from '../../graph/parse-part.ts';
import { type OverlapPolicy, overlapPolicies } from '../../graph/schedules/policies.ts';
import { isNotFound } from '../temporal-errors.ts';

type ScheduleProto = temporal.api.schedule.v1.ISchedule;
const { ScheduleOverlapPolicy } = proto.temporal.api.enums.v1;

export interface ListedSchedule {
  readonly temporalId: string;
  readonly workflowType: string;
  readonly paused: boolean;
  readonly note: string;
  /** Of its times, as far as the list shows them. */
  readonly times: string;
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
}

export interface ScheduleViews {
  /** Page by page. */
  list(): AsyncIterable<ListedSchedule[]>;
  /** Null where there is none. */
  describe(temporalId: string): Promise<ScheduleInView | null>;
}

type Within = <Answer>(call: () => Promise<Answer>) => Promise<Answer>;

const pageSize = 1_000;

export function createScheduleViews(client: Client, within: Within): ScheduleViews {
  return {
    list: () => listSchedules(client, within),
    describe: (temporalId) => within(() => describe(client, temporalId)),
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
      note: info?.notes ?? '',
      times: hashOf(info?.spec),
    }));
    nextPageToken = page.nextPageToken?.length ? page.nextPageToken : undefined;
  } while (nextPageToken);
}

async function describe(
  { workflowService, options: { namespace } }: Client,
  temporalId: string,
): Promise<ScheduleInView | null> {
  try {
    const { schedule } = await workflowService.describeSchedule({ namespace, scheduleId: temporalId });
    return { temporalId, ...read(schedule ?? {}) };
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

function read({ spec, action, policies, state }: ScheduleProto) {
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
    note: state?.notes ?? '',
    seen: hashOf([shown, workflowType, taskQueue, start?.workflowId, start?.input, policies]),
  };
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
