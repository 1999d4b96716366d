// What a test looks at to know the moment at which to break something.
import { withClient } from '../../../dev/databases.ts';
import { jobRunIdOf } from '../../../store/index.ts';
import { until } from '../../support/until.ts';
import type { FaultProcess } from './fault-process.ts';
import type { FaultStack } from './fault-stack.ts';

/** The attempts of a job, as `STATE/reason`. */
export async function attemptsOf(stack: FaultStack, graphRunId: string, job: string): Promise<string[]> {
  const attempts = await stack.client.jobRuns.attempts(jobRunIdOf(graphRunId, job));
  return attempts.map(({ state, reason }) => (reason === null ? state : `${state}/${reason}`));
}

/** Waits until a job's row is in a state. */
export async function untilJobIs(
  stack: FaultStack,
  graphRunId: string,
  job: string,
  state: string,
): Promise<void> {
  await until(async () => {
    const found = await stack.sql('SELECT FROM job_run WHERE id = $1 AND state = $2::run_state', [
      jobRunIdOf(graphRunId, job),
      state,
    ]);
    return found.length > 0 ? true : undefined;
  }, `${job} is ${state}`);
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

/** Waits until a statement of ours, on metadata or warehouse, is held up by a lock; one that says `words`, where given. */
export async function untilBlocked(stack: FaultStack, words = ''): Promise<void> {
  await until(async () => {
    const found = await stack.sql(
      `SELECT FROM pg_stat_activity
       WHERE wait_event_type = 'Lock' AND application_name LIKE 'graphrun%' AND position($1 IN query) > 0`,
      [words],
    );
    return found.length > 0 ? true : undefined;
  }, 'a statement waits for a lock');
}

/** Loses what was sent and waits for a lock, with its connection: the server would carry it out for a process that is gone. */
export async function loseBlocked(stack: FaultStack): Promise<void> {
  await stack.sql(
    `SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity
     WHERE wait_event_type = 'Lock' AND application_name LIKE 'graphrun%'`,
  );
}

/** Holds what `sql` locks in the metadata while `work` goes on. The end of the server is an end of that as well. */
export async function whileLocked(
  stack: FaultStack,
  lock: { readonly sql: string; readonly values: readonly unknown[] },
  work: () => Promise<void>,
): Promise<void> {
  await withClient(stack.databaseUrl, async (client) => {
    await client.query('BEGIN');
    await client.query(lock.sql, [...lock.values]);
    await work();
    await client.query('ROLLBACK').catch(() => {});
  });
}

/** Locks a job's row: neither start nor end of its attempts can be recorded. */
export function rowOf(graphRunId: string, job: string) {
  return { sql: 'SELECT FROM job_run WHERE id = $1 FOR UPDATE', values: [jobRunIdOf(graphRunId, job)] };
}

/** The worker that Temporal has given a job's attempt to. */
export async function workerOf(stack: FaultStack, workflowId: string, job: string): Promise<FaultProcess> {
  const handle = stack.temporalClient.workflow.getHandle(workflowId);
  const identity = await until(async () => {
    const { raw } = await handle.describe();
    return (
      raw.pendingActivities?.find(({ activityId }) => activityId === job)?.lastWorkerIdentity || undefined
    );
  }, `a worker has taken ${job}`);
  return stack.workerWith(Number.parseInt(identity, 10));
}
