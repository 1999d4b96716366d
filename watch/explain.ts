import type { Explanation } from '../graph/inspections.ts';
import { makePlan } from '../graph/plan.ts';
import { isFinal } from '../graph/states.ts';
import type { RunFacts, Store } from '../store/store.ts';
import { systemTaskQueue } from '../workflows/contract.ts';
import { explainRun, type TemporalFacts } from './explain-run.ts';
import type { PolledQueue } from './task-queues.ts';
import { isTemporalError } from './temporal-errors.ts';
import type { ExecutionView, TemporalView } from './temporal-view.ts';

export interface ExplainDependencies {
  readonly store: Pick<Store, 'runs' | 'jobRuns' | 'graphs'>;
  readonly temporal: TemporalView;
  /** Where runs are started. */
  readonly taskQueue: string;
}

/** Of more, the first are asked about. */
const queuesMax = 10;

/** Why a graph run, and each of its jobs, is not done. @throws CodedError GRAPH_RUN_UNKNOWN */
export async function explainGraphRun(deps: ExplainDependencies, id: string): Promise<Explanation> {
  return explain(deps, await deps.store.runs.factsOfGraphRun(id), null);
}

/** The same for a job run: one in a graph run is told with its run. @throws CodedError JOB_RUN_UNKNOWN */
export async function explainJobRun(deps: ExplainDependencies, id: string): Promise<Explanation> {
  const { graphRunId, job } = await deps.store.jobRuns.get(id);
  if (graphRunId === null) return explain(deps, await deps.store.runs.factsOfJobRun(id), null);
  return explain(deps, await deps.store.runs.factsOfGraphRun(graphRunId), job);
}

async function explain(deps: ExplainDependencies, run: RunFacts, only: string | null): Promise<Explanation> {
  const { pinned } = run;
  const graph = pinned && (await deps.store.graphs.load(pinned.projectId, pinned.version));
  const plan = graph && makePlan(graph, new Set(run.jobs.map(({ job }) => job)));
  const temporal = isFinal(run.state) ? null : await askTemporal(deps, run);
  return explainRun({ run, plan, only, temporal, now: new Date() });
}

/** Null while Temporal does not answer: then the rows alone are told. */
async function askTemporal(deps: ExplainDependencies, run: RunFacts): Promise<TemporalFacts | null> {
  const { temporal } = deps;
  try {
    const task = run.tasks.at(-1);
    const execution = task ? await temporal.describe(task) : await temporal.describeNewest(run.workflowId);
    const isRetried = (execution?.workflowTask?.attempts ?? 1) > 1;
    const [taskFailure, ...queues] = await Promise.all([
      execution && isRetried ? temporal.taskFailure(execution) : null,
      ...queuesOf(deps, execution).map((queue) => temporal.taskQueue(queue)),
    ]);
    return { execution, taskFailure, queues };
  } catch (error) {
    if (isTemporalError(error)) return null;
    throw error;
  }
}

/** Workflows and jobs share one name; bookkeeping has its own; a job may be sent elsewhere. */
function queuesOf(
  deps: ExplainDependencies,
  execution: ExecutionView | null,
): Pick<PolledQueue, 'taskQueue' | 'kind'>[] {
  const own = execution?.taskQueue ?? deps.taskQueue;
  const named = [...(execution?.pending.values() ?? [])].flatMap(({ taskQueue }) => taskQueue ?? []);
  const activities = [...new Set([own, systemTaskQueue(own), ...named])].slice(0, queuesMax);
  return [
    { taskQueue: own, kind: 'workflow' },
    ...activities.map((taskQueue) => ({ taskQueue, kind: 'activity' }) as const),
  ];
}
