// Temporal's own view of executions. Visibility finds them, a little late; Describe decides.
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { type ExecutionStatus, isExecutionStatus } from '../graph/outcomes.ts';
import { workflowTypes } from '../workflows/contract.ts';
import { type PendingActivity, readPendingActivities } from './pending-activities.ts';
import { type RunHistory, readHistory } from './read-history.ts';
import { describeTaskQueue, type PolledQueue } from './task-queues.ts';
import { isNotFound } from './temporal-errors.ts';
import { readTaskFailure, type TaskFailure } from './workflow-task-failure.ts';

export interface ExecutionId {
  readonly workflowId: string;
  readonly runId: string;
}

export interface ExecutionView extends ExecutionId {
  readonly status: ExecutionStatus;
  readonly firstExecutionRunId: string;
  /** The execution that a reset put in this one's place. */
  readonly resetRunId: string | null;
  readonly taskQueue: string;
  /** By activity id. */
  readonly pending: ReadonlyMap<string, PendingActivity>;
  /** What waits for a worker or is with one: `attempts` beyond the first come of failures. */
  readonly workflowTask: { readonly attempts: number; readonly isTaken: boolean } | null;
}

export interface TemporalView {
  /** Null when the server does not have it: deleted, or past its retention. */
  describe(id: ExecutionId): Promise<ExecutionView | null>;
  /** The newest execution of a workflow id; null likewise. */
  describeNewest(workflowId: string): Promise<ExecutionView | null>;
  history(id: ExecutionId): Promise<RunHistory>;
  /** Why the newest workflow task failed; null when the last that ended was completed. */
  taskFailure(id: ExecutionId): Promise<TaskFailure | null>;
  taskQueue(queue: Pick<PolledQueue, 'taskQueue' | 'kind'>): Promise<PolledQueue>;
  /** Executions of our types that closed or began after a time. */
  changedSince(since: Date): Promise<ExecutionId[]>;
}

const types = Object.values(workflowTypes)
  .map((type) => `'${type}'`)
  .join(', ');

/** More at once are seen in a later turn: the window overlaps, and open Tasks are compared one by one. */
const listedMax = 1_000;

/** For one call; whoever asks comes again. */
const callTimeoutMs = 5_000;
/** A history may have 30 MB. */
const historyTimeoutMs = 20_000;

/** @param stopped ends calls that are under way, with an error. */
export function createTemporalView(client: Client, stopped?: AbortSignal): TemporalView {
  const within = <Answer>(call: () => Promise<Answer>, timeoutMs = callTimeoutMs): Promise<Answer> =>
    client.withDeadline(Date.now() + timeoutMs, () =>
      stopped ? client.withAbortSignal(stopped, call) : call(),
    );
  return {
    describe: ({ workflowId, runId }) => within(() => describe(client, workflowId, runId)),
    describeNewest: (workflowId) => within(() => describe(client, workflowId)),
    history: ({ workflowId, runId }) =>
      within(async () => {
        const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
        return readHistory(events ?? []);
      }, historyTimeoutMs),
    taskFailure: (id) => within(() => readTaskFailure(client, id)),
    taskQueue: (queue) => within(() => describeTaskQueue(client, queue)),
    changedSince: (since) => within(() => listChanged(client, since)),
  };
}

async function describe(
  client: Client,
  workflowId: string,
  wantedRunId?: string,
): Promise<ExecutionView | null> {
  try {
    const { raw, status, runId, taskQueue } = await client.workflow
      .getHandle(workflowId, wantedRunId)
      .describe();
    if (!isExecutionStatus(status.name))
      throw new Error(`unknown status ${status.name} of workflow ${workflowId}`);
    const task = raw.pendingWorkflowTask;
    return {
      workflowId,
      runId,
      status: status.name,
      firstExecutionRunId: raw.workflowExecutionInfo?.firstRunId || runId,
      resetRunId: raw.workflowExtendedInfo?.resetRunId || null,
      taskQueue,
      pending: readPendingActivities(raw.pendingActivities),
      workflowTask: task ? { attempts: task.attempt ?? 1, isTaken: Boolean(task.startedTime) } : null,
    };
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

async function listChanged(client: Client, since: Date): Promise<ExecutionId[]> {
  const time = `'${since.toISOString()}'`;
  // Without the status, running executions come with the closed ones.
  const closed = `WorkflowType IN (${types}) AND CloseTime > ${time} AND ExecutionStatus != 'Running'`;
  const begun = `WorkflowType IN (${types}) AND StartTime > ${time}`;
  const lists = await Promise.all([closed, begun].map((query) => take(client.workflow.list({ query }))));
  const found = lists.flat().map(({ workflowId, runId }) => ({ workflowId, runId }));
  return [...new Map(found.map((execution) => [execution.runId, execution])).values()];
}

async function take(list: AsyncIterable<WorkflowExecutionInfo>): Promise<WorkflowExecutionInfo[]> {
  const taken: WorkflowExecutionInfo[] = [];
  for await (const execution of list) if (taken.push(execution) >= listedMax) break;
  return taken;
}
