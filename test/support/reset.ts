import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { WorkflowHandle } from '@temporalio/client';
import { inject } from 'vitest';

/** Resets a workflow as people do, with the Temporal CLI; the new run id. */
export async function resetWorkflow(
  handle: WorkflowHandle,
  eventId: number,
  address = inject('temporalAddress'),
): Promise<string> {
  const target = ['--workflow-id', handle.workflowId, '--event-id', String(eventId), '--reason', 'a test'];
  const options = ['--address', address, '--output', 'json'];
  const reset = ['workflow', 'reset', ...target, ...options];
  const { stdout } = await promisify(execFile)(inject('temporalCli'), reset);
  return JSON.parse(stdout).runId;
}

/** Event ids of completed workflow tasks: the points that a reset can go back to. */
export async function resetPoints(handle: WorkflowHandle): Promise<number[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap((event) =>
    event.workflowTaskCompletedEventAttributes ? [Number(event.eventId)] : [],
  );
}
