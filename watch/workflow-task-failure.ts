// Why an execution stands still: the failure of its workflow task. Only the first of a row of failures is in the history.
import type { Client } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import { readFailure } from './pending-activities.ts';
import type { ExecutionId } from './temporal-view.ts';

export interface TaskFailure {
  readonly type: string;
  readonly message: string;
}

/** Newest first: what decides is among the last. */
const eventsRead = 20;

export async function readTaskFailure(client: Client, id: ExecutionId): Promise<TaskFailure | null> {
  const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
    namespace: client.options.namespace,
    execution: id,
    maximumPageSize: eventsRead,
  });
  for (const event of history?.events ?? []) {
    if (event.workflowTaskCompletedEventAttributes) return null;
    const failed = failureOf(event);
    if (failed) return failed;
  }
  return null;
}

/** A reset writes a failed workflow task as well, which names the new execution. */
function failureOf(event: temporal.api.history.v1.IHistoryEvent): TaskFailure | null {
  const failed = event.workflowTaskFailedEventAttributes;
  if (!failed || failed.newRunId) return null;
  const failure = readFailure(failed.failure);
  return failure ? { type: failure.type, message: failure.message } : null;
}
