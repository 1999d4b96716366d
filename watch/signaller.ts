import { defaultPayloadConverter, toPayloads } from '@temporalio/common';
import { type CallOptions, unlessGone } from './canceller.ts';
import type { ExecutionId } from './temporal-view.ts';

export interface SignalToSend extends ExecutionId {
  readonly name: string;
  readonly input: unknown;
  /** The server takes a second one with the same id for the first. */
  readonly requestId: string;
  /** Whose request it is. */
  readonly by: string;
}

export interface Signaller {
  /**
   * Signals this execution and no other; false where it is not open.
   * @throws CodedError TEMPORAL_UNAVAILABLE: it may be sent again at any time
   */
  signal(signal: SignalToSend): Promise<boolean>;
}

export function createSignaller({ connection, namespace, within }: CallOptions): Signaller {
  return {
    signal: ({ workflowId, runId, name, input, requestId, by }) =>
      within(() =>
        unlessGone(() =>
          connection.workflowService.signalWorkflowExecution({
            namespace,
            workflowExecution: { workflowId, runId },
            signalName: name,
            input: { payloads: toPayloads(defaultPayloadConverter, input) ?? null },
            requestId,
            identity: by,
          }),
        ),
      ),
  };
}
