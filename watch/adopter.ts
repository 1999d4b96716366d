import type { FollowDependencies } from './follow-executions.ts';
import { followExecution } from './follow-executions.ts';
import type { ExecutionId } from './temporal-view.ts';

/** What a worker calls when it meets an execution that nobody knows. */
export function createAdopter(deps: FollowDependencies): (execution: ExecutionId) => Promise<boolean> {
  return async (execution) => {
    await followExecution(deps, execution);
    return (await deps.store.execution.knownTasks([execution.runId])).some((task) => task.isOpen);
  };
}
