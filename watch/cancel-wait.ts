// Whether a workflow has taken the request to cancel it: a workflow task that was completed after the request held it, since
// what comes in while one is under way stands behind its end in the history.
import type { Client } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import { readTime } from './pending-activities.ts';
import type { ExecutionView } from './temporal-view.ts';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

const pageSize = 500;

/** Since when it waits to be taken, in Temporal's time; null where it does not: it was taken, or there is none. */
export async function readCancelWait(client: Client, view: ExecutionView): Promise<Date | null> {
  const { workflowId, runId, cancelRequested, workflowTask } = view;
  // Where no workflow task waits, all that came in has been taken.
  if (!cancelRequested || !workflowTask) return null;
  let nextPageToken: Uint8Array | undefined;
  do {
    const page = await client.workflowService.getWorkflowExecutionHistoryReverse({
      namespace: client.options.namespace,
      execution: { workflowId, runId },
      maximumPageSize: pageSize,
      ...(nextPageToken && { nextPageToken }),
    });
    const found = findCancelWait(page.history?.events ?? []);
    if (found !== undefined) return found;
    nextPageToken = page.nextPageToken?.length ? page.nextPageToken : undefined;
  } while (nextPageToken);
  return null;
}

/** Undefined where these events do not tell. Pure. */
export function findCancelWait(newestFirst: Iterable<HistoryEvent>): Date | null | undefined {
  for (const event of newestFirst) {
    if (event.workflowTaskCompletedEventAttributes) return null;
    if (event.workflowExecutionCancelRequestedEventAttributes) return readTime(event.eventTime);
  }
  return undefined;
}
