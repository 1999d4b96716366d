// What an execution was started with, by the first events of its history.
import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import type { Fired } from '../store/admit-slots.ts';
import { readTime } from './pending-activities.ts';
import type { ExecutionId } from './temporal-view.ts';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;
type SearchAttributes = temporal.api.common.v1.ISearchAttributes | null | undefined;

export interface BeginOfHistory {
  /** Its argument. */
  readonly input: unknown;
  /** A worker has opened its run, or was told why not. */
  readonly isTaken: boolean;
  /** Of one that a schedule has started. */
  readonly scheduled?: Fired;
}

/** The run is opened by the first activity. */
const eventsRead = 20;

export async function readBegin(client: Client, execution: ExecutionId): Promise<BeginOfHistory | null> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution,
    maximumPageSize: eventsRead,
  });
  return beginOf(history?.events ?? []);
}

/** Null where the argument cannot be read: its workers may know how. Pure. */
export function beginOf(events: readonly HistoryEvent[]): BeginOfHistory | null {
  const started = events[0]?.workflowExecutionStartedEventAttributes;
  if (!started) return null;
  const payload = started.input?.payloads?.[0];
  try {
    const input: unknown = payload ? defaultPayloadConverter.fromPayload(payload) : undefined;
    const scheduled = firedOf(started.searchAttributes, readTime(events[0]?.eventTime));
    return { input, isTaken: events.some(tellsOfTaking), ...(scheduled && { scheduled }) };
  } catch {
    return null;
  }
}

function firedOf(attributes: SearchAttributes, startedAt: Date | null): Fired | undefined {
  const { TemporalScheduledById: by, TemporalScheduledStartTime: at } = attributes?.indexedFields ?? {};
  if (!by || !at || !startedAt) return undefined;
  const read = (payload: typeof by) => defaultPayloadConverter.fromPayload<string>(payload);
  return { by: read(by), at: new Date(read(at)), startedAt };
}

/** A local activity leaves a marker; where Postgres was away, the run is opened by an activity on the system queue. */
function tellsOfTaking(event: HistoryEvent): boolean {
  const marker = event.markerRecordedEventAttributes;
  if (marker) return !marker.failure;
  return Boolean(event.activityTaskCompletedEventAttributes);
}
