// Runs that a Schedule, the Temporal CLI or the Web UI started get their row before a worker takes them.
import { readGraphRunInput, readJobRunInput } from '../graph/run-inputs.ts';
import { readWorkflowId } from '../graph/workflow-ids.ts';
import type { Store } from '../store/store.ts';
import { workflowTypes } from '../workflows/contract.ts';
import type { BeginOfHistory } from './read-begin.ts';
import { lookAtSchedule } from './schedules/look-at-schedule.ts';
import { type ExecutionView, identityOf, type TemporalView } from './temporal-view.ts';

export interface RecordDependencies {
  readonly store: Pick<Store, 'execution' | 'watch' | 'schedules'>;
  readonly temporal: Pick<TemporalView, 'begin' | 'schedules'>;
  readonly taskQueue: string;
  readonly actor: string;
}

/**
 * Makes the row of an execution that no row goes by, as the worker would that opens it. False where there is none to make,
 * such as for one that a worker has taken: what it found then counts.
 */
export async function recordOutside(deps: RecordDependencies, view: ExecutionView): Promise<boolean> {
  if (view.taskQueue !== deps.taskQueue || readWorkflowId(view.workflowId) !== null) return false;
  const begin = await deps.temporal.begin(view);
  if (begin === null || begin.isTaken) return false;
  const made = {
    identity: identityOf(view),
    actor: deps.actor,
    createdBy: `workflow:${view.workflowId}`,
  };
  return view.type === workflowTypes.graphRun
    ? recordGraphRun(deps, made, begin)
    : recordJobRun(deps, made, begin.input);
}

interface Made {
  readonly identity: ReturnType<typeof identityOf>;
  readonly actor: string;
  readonly createdBy: string;
}

async function recordGraphRun(
  deps: RecordDependencies,
  made: Made,
  { input, scheduled }: BeginOfHistory,
): Promise<boolean> {
  const { store } = deps;
  const read = readGraphRunInput(input);
  if (!read.ok) {
    const { message, project } = read;
    return store.execution.rejectGraphRun({ ...made, project, message });
  }
  const { project, params = {}, select = null, graphRunId } = read.input;
  // It names a run that its workflow id does not: the worker refuses it, and it has no row.
  if (graphRunId !== undefined) return false;
  if (scheduled) await lookAtSchedule(deps, scheduled.by);
  return store.watch.recordGraphRun({ ...made, project, params, select, ...(scheduled && { scheduled }) });
}

async function recordJobRun({ store }: RecordDependencies, made: Made, input: unknown): Promise<boolean> {
  const read = readJobRunInput(input);
  if (!read.ok || read.input.jobRunId !== undefined) return false;
  const { project, job, params = {} } = read.input;
  return store.watch.recordJobRun({ ...made, project, job, params });
}
