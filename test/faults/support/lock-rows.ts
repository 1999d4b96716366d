import { withClient } from '../../../dev/databases.ts';
import { jobRunIdOf } from '../../../store/index.ts';
import { until } from '../../support/until.ts';
import type { FaultStack } from './fault-stack.ts';

/** Holds a run's job rows, so that nothing of its jobs can be recorded while `work` goes on. */
export async function withRowsLocked(
  stack: FaultStack,
  graphRunId: string,
  work: () => Promise<void>,
): Promise<void> {
  await withClient(stack.databaseUrl, async (client) => {
    await client.query('BEGIN');
    await client.query('SELECT FROM job_run WHERE graph_run_id = $1 ORDER BY id FOR UPDATE', [graphRunId]);
    await work();
    await client.query('ROLLBACK');
  });
}

/** Waits until a job has committed in the warehouse, whatever its row says. */
export async function untilPublished(stack: FaultStack, graphRunId: string, job: string): Promise<void> {
  await until(async () => {
    const found = await stack.warehouseSql('SELECT FROM graphrun.published WHERE job_run = $1', [
      jobRunIdOf(graphRunId, job),
    ]);
    return found.length > 0 ? true : undefined;
  }, `${job} has committed in the warehouse`);
}
