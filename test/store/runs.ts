import type { Fence } from '../../graph/transitions.ts';
import { jobRunIdOf } from '../../store/index.ts';
import type { Store } from '../../store/store.ts';

/** Makes runs of the project `p` that an execution has taken, without a workflow. */
export function useRuns(store: Store) {
  let runs = 0;
  return async () => {
    runs += 1;
    const runId = `run-${runs}`;
    const run = await store.graphRuns.create({ project: 'p', params: {}, select: null, actor: 'test' });
    const identity = { workflowId: run.workflowId, runId, firstExecutionRunId: runId };
    const known = { graphRunId: run.id, epoch: 1 };
    const request = { identity, known, project: 'p', params: {}, select: null, actor: 'test' };
    const opened = await store.execution.openGraphRun(request);
    const fence: Fence = { runId, scheduledAtMs: 1_000 };
    return { id: run.id, runId, request, opened, fence, job: (key: string) => jobRunIdOf(run.id, key) };
  };
}
