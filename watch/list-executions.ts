import type { Client } from '@temporalio/client';
import proto, { type temporal } from '@temporalio/proto';
import { isExecutionStatus } from '../graph/outcomes.ts';
import { workflowTypes } from '../workflows/contract.ts';
import { readTime } from './pending-activities.ts';
import type { ListedExecution } from './temporal-view.ts';

type ExecutionInfo = temporal.api.workflow.v1.IWorkflowExecutionInfo;
const { WorkflowExecutionStatus } = proto.temporal.api.enums.v1;

const types = Object.values(workflowTypes)
  .map((type) => `'${type}'`)
  .join(', ');
const pageSize = 1_000;

/** Pages of Temporal's lists, as the server sends them: a memo that cannot be read must not hide a run. */
export async function* listChanged(
  { workflowService, options: { namespace } }: Client,
  since: Date,
  within: <Answer>(call: () => Promise<Answer>) => Promise<Answer>,
): AsyncGenerator<ListedExecution[]> {
  const time = `'${since.toISOString()}'`;
  const queries = [
    // Without the status, running executions come with the closed ones.
    `WorkflowType IN (${types}) AND CloseTime > ${time} AND ExecutionStatus != 'Running'`,
    // The reset of a closed one closes nothing.
    `WorkflowType IN (${types}) AND StartTime > ${time}`,
  ];
  for (const query of queries) {
    let nextPageToken: Uint8Array | undefined;
    do {
      const asked = { namespace, query, pageSize, ...(nextPageToken && { nextPageToken }) };
      const page = await within(() => workflowService.listWorkflowExecutions(asked));
      yield (page.executions ?? []).map(toListed);
      nextPageToken = page.nextPageToken?.length ? page.nextPageToken : undefined;
    } while (nextPageToken);
  }
}

function toListed({ execution, taskQueue, status, startTime, closeTime }: ExecutionInfo): ListedExecution {
  return {
    workflowId: execution?.workflowId ?? '',
    runId: execution?.runId ?? '',
    taskQueue: taskQueue ?? '',
    status: toStatus(status ?? 0),
    at: readTime(closeTime ?? startTime) ?? new Date(0),
  };
}

function toStatus(code: number): ListedExecution['status'] {
  const name = String(WorkflowExecutionStatus[code]).replace('WORKFLOW_EXECUTION_STATUS_', '');
  const spelled = name === 'CANCELED' ? 'CANCELLED' : name;
  if (!isExecutionStatus(spelled)) throw new Error(`unknown status ${name} of a workflow`);
  return spelled;
}
