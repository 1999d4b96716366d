// Why an execution stands still: its workflow task fails. Temporal counts the attempts of the one that is pending; the history
// holds the first failure of a row, and leaves out those that follow.
import type { Client } from '@temporalio/client';
import proto, { type temporal } from '@temporalio/proto';
import { limits } from '../graph/limits.ts';
import type { RunError } from '../graph/transitions.ts';
import type { ExecutionView } from './temporal-view.ts';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;
const { WorkflowTaskFailedCause } = proto.temporal.api.enums.v1;

/** Newest first: what came in while a workflow task failed stands behind its failure. */
const eventsRead = 500;

export async function readTaskFailure(client: Client, view: ExecutionView): Promise<RunError | null> {
  if (!view.workflowTask) return null;
  const { workflowId, runId } = view;
  const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
    namespace: client.options.namespace,
    execution: { workflowId, runId },
    maximumPageSize: eventsRead,
  });
  return failureOf(view.workflowTask.attempts, readLastTask(history?.events ?? []));
}

/** How the latest workflow task ended of which the history tells. */
export type LastTask =
  | { readonly ended: 'completed' | 'timed_out' }
  | { readonly ended: 'failed'; readonly cause: number; readonly error: RunError };

/** Failures that belong to a run's ordinary course: something came in between, or it was reset. */
const harmless = new Set<number>([
  WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
  WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW,
  WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_STICKY_TASK_QUEUE,
  WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND,
  WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_FAILOVER_CLOSE_COMMAND,
]);

/** A worker that dies lets one workflow task time out; the attempt after that is not suspect yet. */
const timeOutsTolerated = 1;

/**
 * Why a pending workflow task fails; null while all is well. A failure counts from the first on: workers tell of it once, and
 * then let each attempt time out, 10 s apart (seen). Pure.
 */
export function failureOf(attempts: number, last: LastTask | null): RunError | null {
  if (last?.ended === 'failed' && !harmless.has(last.cause)) return last.error;
  if (attempts <= 1 + timeOutsTolerated) return null;
  const message = `The workflow task was not completed in ${attempts - 1} attempts: workers take it and do not answer.`;
  return { type: 'WorkflowTaskTimedOut', message };
}

/** Pure. */
export function readLastTask(newestFirst: Iterable<HistoryEvent>): LastTask | null {
  for (const event of newestFirst) {
    if (event.workflowTaskCompletedEventAttributes) return { ended: 'completed' };
    if (event.workflowTaskTimedOutEventAttributes) return { ended: 'timed_out' };
    const failed = event.workflowTaskFailedEventAttributes;
    if (failed) return { ended: 'failed', cause: failed.cause ?? 0, error: errorOf(failed) };
  }
  return null;
}

const causePrefix = 'WORKFLOW_TASK_FAILED_CAUSE_';

/** Where the code threw no error of its own, Temporal's word for the cause is its type. */
function errorOf({
  cause,
  failure,
}: NonNullable<HistoryEvent['workflowTaskFailedEventAttributes']>): RunError {
  const named = WorkflowTaskFailedCause[cause ?? 0] ?? '';
  const type = failure?.applicationFailureInfo?.type || named.replace(causePrefix, '');
  const stack = failure?.stackTrace;
  return { type, message: cut(failure?.message ?? ''), ...(stack && { stack: cut(stack) }) };
}

function cut(text: string): string {
  return text.slice(0, limits.errorMessageChars);
}
