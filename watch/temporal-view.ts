// Temporal's own view of executions. Visibility finds them, a little late; Describe decides.
import { type Client, isGrpcServiceError, type WorkflowExecutionInfo } from '@temporalio/client';
import { type ExecutionStatus, isExecutionStatus } from '../graph/outcomes.ts';
import { workflowTypes } from '../workflows/contract.ts';
import { type RunHistory, readHistory } from './read-history.ts';

export interface ExecutionId {
  readonly workflowId: string;
  readonly runId: string;
}

export interface ExecutionView extends ExecutionId {
  readonly status: ExecutionStatus;
  readonly firstExecutionRunId: string;
  /** The execution that a reset put in this one's place. */
  readonly resetRunId: string | null;
}

export interface TemporalView {
  /** Null when the server does not have it: deleted, or past its retention. */
  describe(id: ExecutionId): Promise<ExecutionView | null>;
  history(id: ExecutionId): Promise<RunHistory>;
  /** Executions of our types that closed or began after a time. */
  changedSince(since: Date): Promise<ExecutionId[]>;
}

const types = Object.values(workflowTypes)
  .map((type) => `'${type}'`)
  .join(', ');

/** More at once are seen in a later turn: the window overlaps, and open Tasks are compared one by one. */
const listedMax = 1_000;
const grpcNotFound = 5;

/** For one call; whoever asks comes again. */
const callTimeoutMs = 5_000;

/** @param stopped ends calls that are under way, with an error. */
export function createTemporalView(client: Client, stopped?: AbortSignal): TemporalView {
  const within = <Answer>(call: () => Promise<Answer>): Promise<Answer> =>
    client.withDeadline(Date.now() + callTimeoutMs, () =>
      stopped ? client.withAbortSignal(stopped, call) : call(),
    );
  return {
    describe: (id) => within(() => describe(client, id)),
    history: ({ workflowId, runId }) =>
      within(async () => {
        const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
        return readHistory(events ?? []);
      }),
    changedSince: (since) => within(() => listChanged(client, since)),
  };
}

async function describe(client: Client, { workflowId, runId }: ExecutionId): Promise<ExecutionView | null> {
  try {
    const { raw, status } = await client.workflow.getHandle(workflowId, runId).describe();
    if (!isExecutionStatus(status.name))
      throw new Error(`unknown status ${status.name} of workflow ${workflowId}`);
    return {
      workflowId,
      runId,
      status: status.name,
      firstExecutionRunId: raw.workflowExecutionInfo?.firstRunId || runId,
      resetRunId: raw.workflowExtendedInfo?.resetRunId || null,
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

function isNotFound(error: unknown): boolean {
  if (error instanceof Error && error.name === 'WorkflowNotFoundError') return true;
  return isGrpcServiceError(error) && error.code === grpcNotFound;
}
