// Who polls a task queue.
import type { Client } from '@temporalio/client';
import { readTime } from './pending-activities.ts';

export interface PolledQueue {
  readonly taskQueue: string;
  readonly kind: 'workflow' | 'activity';
  /** When each worker that is still known began or ended its last poll. A poll that finds nothing takes a minute. */
  readonly polls: readonly Date[];
  /** Tasks that wait in it, about; null where the server does not tell. */
  readonly backlog: number | null;
}

/** `TASK_QUEUE_KIND_NORMAL`, and of `TaskQueueType`. */
const normalKind = 1;
const types = { workflow: 1, activity: 2 } as const;

export async function describeTaskQueue(
  client: Client,
  { taskQueue, kind }: Pick<PolledQueue, 'taskQueue' | 'kind'>,
): Promise<PolledQueue> {
  const { pollers, stats } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue, kind: normalKind },
    taskQueueType: types[kind],
    reportStats: true,
  });
  return {
    taskQueue,
    kind,
    polls: (pollers ?? []).flatMap(({ lastAccessTime }) => readTime(lastAccessTime) ?? []),
    backlog: stats ? Number(stats.approximateBacklogCount ?? 0) : null,
  };
}
