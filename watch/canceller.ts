import type { Connection } from '@temporalio/client';
import type { CancelToSend } from '../store/cancel-runs.ts';
import { cancelTermination } from '../workflows/contract.ts';
import { isNotFound } from './temporal-errors.ts';
import type { ExecutionId } from './temporal-view.ts';

/** Tells Temporal of cancels. One that is told twice is the same as once. */
export interface Canceller {
  /**
   * Asks the workflow's current execution to cancel itself; false where there is none that is open.
   * @throws CodedError TEMPORAL_UNAVAILABLE: it may be asked again at any time
   */
  requestCancel(cancel: CancelToSend): Promise<boolean>;
  /**
   * Ends an execution that does not take its cancel, with a reason by which its end is known for one.
   * @throws CodedError TEMPORAL_UNAVAILABLE, likewise
   */
  terminateCancelled(execution: ExecutionId, by: string): Promise<boolean>;
}

export interface CallOptions {
  readonly connection: Connection;
  readonly namespace: string;
  /** Limits the time of a call, and gives its failure a code. */
  within<Answer>(call: () => Promise<Answer>): Promise<Answer>;
}

export function createCanceller({ connection, namespace, within }: CallOptions): Canceller {
  return {
    requestCancel: ({ workflowId, firstExecutionRunId, cancelRequest: { by, note } }) =>
      within(() =>
        unlessGone(() =>
          connection.workflowService.requestCancelWorkflowExecution({
            namespace,
            workflowExecution: { workflowId },
            firstExecutionRunId: firstExecutionRunId ?? '',
            // The server takes a second request with the same id for the first.
            requestId: `cancel/${workflowId}`,
            identity: by,
            reason: note ?? '',
          }),
        ),
      ),
    terminateCancelled: ({ workflowId, runId }, by) =>
      within(() =>
        unlessGone(() =>
          connection.workflowService.terminateWorkflowExecution({
            namespace,
            workflowExecution: { workflowId, runId },
            identity: 'graphrun',
            reason: cancelTermination(by),
          }),
        ),
      ),
  };
}

/** False when there is no such execution, or it has ended. */
export async function unlessGone(call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
