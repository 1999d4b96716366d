import { isOngoing } from '../graph/outcomes.ts';
import { readWorkflowId } from '../graph/workflow-ids.ts';
import type { Sifted } from '../store/watching.ts';
import type { ListedExecution } from './temporal-view.ts';

/** Whether an execution that a list shows may differ from the rows, so that it is worth a Describe. Pure. */
export function isOfInterest(execution: ListedExecution, known: Sifted, taskQueue: string): boolean {
  const isOpen = isOngoing(execution.status);
  if (known.task !== null) return known.task === 'open' && !isOpen;
  // One that waits for a worker is compared in rotation.
  if (known.hasRun) return known.hasTasks || !isOpen;
  // Started outside. An id of ours without a run is another installation's, or its run was deleted.
  return execution.taskQueue === taskQueue && readWorkflowId(execution.workflowId) === null;
}
