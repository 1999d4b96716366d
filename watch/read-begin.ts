// What an execution was started with, by the first events of its history.
import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import type { ExecutionId } from './temporal-view.ts';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

export interface BeginOfHistory {
  /** Its argument. */
  readonly input: unknown;
  /** A worker has opened its run, or was told why not. */
  readonly isTaken: boolean;
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
    return { input, isTaken: events.some(tellsOfTaking) };
  } catch {
    return null;
  }
}

/** A local activity leaves a marker; where Postgres was away, the run is opened by an activity on the system queue. */
function tellsOfTaking(event: HistoryEvent): boolean {
  const marker = event.markerRecordedEventAttributes;
  if (marker) return !marker.failure;
  return Boolean(event.activityTaskCompletedEventAttributes);
}
