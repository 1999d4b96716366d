import type { temporal } from '@temporalio/proto';
import type { GraphEnd } from '../graph/states.ts';

export type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

/** How the workflow itself ended the run; null for all other events. Pure. */
export function endOfWorkflow(event: HistoryEvent): GraphEnd | null {
  if (event.workflowExecutionCompletedEventAttributes) return { state: 'SUCCESS', reason: null };
  if (event.workflowExecutionCanceledEventAttributes) return { state: 'FAILED', reason: 'cancelled' };
  const type = event.workflowExecutionFailedEventAttributes?.failure?.applicationFailureInfo?.type;
  const isOurs = type === 'job_failed' || type === 'timed_out' || type === 'invalid';
  if (isOurs) return { state: 'FAILED', reason: type };
  return null;
}
