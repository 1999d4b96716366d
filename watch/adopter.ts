import { type AdoptDependencies, adoptExecution } from './adopt-execution.ts';
import type { ExecutionId } from './temporal-view.ts';

/** What a worker calls when it meets an execution that nobody knows; resolves with whether it carries out its run now. */
export function createAdopter(deps: AdoptDependencies): (execution: ExecutionId) => Promise<boolean> {
  return async (execution) => {
    const view = await deps.temporal.describe(execution);
    // One that was reset itself is over: its successor is adopted by whoever meets that.
    if (view && !view.resetRunId) await adoptExecution(deps, view);
    return (await deps.store.execution.knownTasks([execution.runId])).some((task) => task.isOpen);
  };
}
