// Temporal's own view of executions. Visibility finds them, a little late; Describe decides.
import type { Client } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import { type ExecutionStatus, isExecutionStatus } from '../graph/outcomes.ts';
import type { RunError } from '../graph/transitions.ts';
import type { WorkflowIdentity } from '../store/execution.ts';
import { readCancelWait } from './cancel-wait.ts';
import { listChanged } from './list-executions.ts';
import { type PendingActivity, readPendingActivities, readTime } from './pending-activities.ts';
import { type BeginOfHistory, readBegin } from './read-begin.ts';
import { readHistory } from './read-history.ts';
import type { RunHistory } from './run-history.ts';
import { createScheduleViews, type ScheduleViews, scheduleTimeoutMs } from './schedules/schedule-view.ts';
import { describeTaskQueue, type PolledQueue } from './task-queues.ts';
import { isNotFound } from './temporal-errors.ts';
import { readTaskFailure } from './workflow-task-failure.ts';

export interface ExecutionId {
  readonly workflowId: string;
  readonly runId: string;
}

export interface ExecutionView extends WorkflowIdentity {
  readonly type: string;
  readonly status: ExecutionStatus;
  /** The execution that a reset put in this one's place. */
  readonly resetRunId: string | null;
  readonly cancelRequested: boolean;
  readonly taskQueue: string;
  readonly historyEvents: number;
  readonly historyBytes: number;
  /** By activity id. */
  readonly pending: ReadonlyMap<string, PendingActivity>;
  /** What waits for a worker or is with one: `attempts` beyond the first come of failures. */
  readonly workflowTask: WorkflowTask | null;
}

export interface WorkflowTask {
  readonly attempts: number;
  readonly isTaken: boolean;
  readonly scheduledAt: Date | null;
}

/** As a list shows it: perhaps not its latest state. */
export interface ListedExecution extends ExecutionId {
  readonly taskQueue: string;
  readonly status: ExecutionStatus;
  /** When it closed, or else began: Temporal's time. */
  readonly at: Date;
}

export interface TemporalView {
  /** Null when the server does not have it: deleted, or past its retention. */
  describe(id: ExecutionId): Promise<ExecutionView | null>;
  /** The newest execution of a workflow id; null likewise. */
  describeNewest(workflowId: string): Promise<ExecutionView | null>;
  /** With those of the executions that it goes on from. */
  history(id: ExecutionId): Promise<RunHistory>;
  /** What an execution was started with; null where that cannot be read. */
  begin(id: ExecutionId): Promise<BeginOfHistory | null>;
  /** Why the workflow task that is pending fails; null where it does not. */
  taskFailure(view: ExecutionView): Promise<RunError | null>;
  /** Since when the request of a cancel waits for the workflow to take it; null once it has. */
  cancelWaitsSince(view: ExecutionView): Promise<Date | null>;
  taskQueue(queue: Pick<PolledQueue, 'taskQueue' | 'kind'>): Promise<PolledQueue>;
  readonly schedules: ScheduleViews;
  /** Executions of our types that closed or began after a time, page by page. */
  changedSince(since: Date): AsyncIterable<ListedExecution[]>;
}

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
    history: (id) => readChain(id, (each) => within(() => fetchEvents(client, each), historyTimeoutMs)),
    begin: (id) => within(() => readBegin(client, id)),
    taskFailure: (view) => within(() => readTaskFailure(client, view)),
    cancelWaitsSince: (view) => within(() => readCancelWait(client, view)),
    taskQueue: (queue) => within(() => describeTaskQueue(client, queue)),
    schedules: createScheduleViews(client, (call) => within(call, scheduleTimeoutMs)),
    changedSince: (since) => listChanged(client, since, within),
  };
}

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

async function fetchEvents(client: Client, { workflowId, runId }: ExecutionId): Promise<HistoryEvent[]> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  return events ?? [];
}

/** With the executions that it goes on from. */
async function readChain(
  id: ExecutionId,
  fetch: (id: ExecutionId) => Promise<HistoryEvent[]>,
): Promise<RunHistory> {
  const chain = [await fetch(id)];
  for (;;) {
    const runId = chain[0]?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
    if (!runId) return readHistory(chain.at(-1) ?? [], chain.slice(0, -1));
    chain.unshift(await fetch({ workflowId: id.workflowId, runId }));
  }
}

export function identityOf({ workflowId, runId, firstExecutionRunId }: WorkflowIdentity): WorkflowIdentity {
  return { workflowId, runId, firstExecutionRunId };
}

async function describe(
  client: Client,
  workflowId: string,
  wantedRunId?: string,
): Promise<ExecutionView | null> {
  try {
    const { raw, status, runId, type, taskQueue } = await client.workflow
      .getHandle(workflowId, wantedRunId)
      .describe();
    if (!isExecutionStatus(status.name))
      throw new Error(`unknown status ${status.name} of workflow ${workflowId}`);
    return {
      workflowId,
      runId,
      type,
      status: status.name,
      firstExecutionRunId: raw.workflowExecutionInfo?.firstRunId || runId,
      resetRunId: raw.workflowExtendedInfo?.resetRunId || null,
      cancelRequested: raw.workflowExtendedInfo?.cancelRequested ?? false,
      taskQueue,
      historyEvents: Number(raw.workflowExecutionInfo?.historyLength ?? 0),
      historyBytes: Number(raw.workflowExecutionInfo?.historySizeBytes ?? 0),
      pending: readPendingActivities(raw.pendingActivities),
      workflowTask: readTask(raw.pendingWorkflowTask),
    };
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

function readTask(
  task: temporal.api.workflow.v1.IPendingWorkflowTaskInfo | null | undefined,
): WorkflowTask | null {
  if (!task) return null;
  const { attempt, startedTime, scheduledTime } = task;
  return { attempts: attempt ?? 1, isTaken: Boolean(startedTime), scheduledAt: readTime(scheduledTime) };
}
