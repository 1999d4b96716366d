// What must hold at the end of every fault test, whatever broke in it.
import { expect } from 'vitest';
import { until } from '../../support/until.ts';
import type { FaultClock } from './fault.ts';
import type { FaultStack } from './fault-stack.ts';
import { findAttemptFaults, findDisorder, findEffectFaults, findFeedFaults } from './find-faults.ts';
import { readRunFacts } from './run-facts.ts';

/** A repair may come this long after both sides are up. */
const repairMs = 5_000;

/**
 * Waits until the rows of all runs of the test are right, at most so long, and tells the clock. Then checks that each
 * acknowledged start has one run and one execution that have ended, that edges were respected, that nothing ran after
 * the end, that every effect is in the warehouse once, that nothing is left over, and that the feed has no gap.
 */
export async function expectSound(stack: FaultStack, clock: FaultClock, withinMs = 30_000): Promise<void> {
  await untilRight(stack, clock, withinMs);
  await expectOneExecutionEach(stack);
  const facts = await readRunFacts(stack);
  const faults = [
    ...findDisorder(facts, stack.latches.journal()),
    ...findAttemptFaults(facts),
    ...(await findEffectFaults(stack, facts)),
    ...(await findFeedFaults(stack, facts)),
  ];
  expect(faults).toEqual([]);
  await expectNothingLeft(stack);
}

async function untilRight(stack: FaultStack, clock: FaultClock, withinMs: number): Promise<void> {
  expect(stack.runs.length).toBeGreaterThan(0);
  const ended = await until(
    async () => {
      const open = await stack.sql('SELECT FROM graph_run WHERE id = ANY ($1) AND completed_at IS NULL', [
        stack.runs,
      ]);
      return open.length === 0 ? performance.now() : undefined;
    },
    'all runs end',
    withinMs,
  );
  const differences = () =>
    Promise.all(
      stack.runs.map(async (id) => {
        const { verdict, differences } = await stack.client.graphRuns.verify(id);
        return verdict === (stack.deleted.has(id) ? 'unprovable' : 'equal')
          ? []
          : [{ id, verdict, differences }];
      }),
    );
  let found = (await differences()).flat();
  if (found.length === 0) return clock.right(ended);
  const deadline = performance.now() + repairMs;
  while (found.length > 0 && performance.now() < deadline) found = (await differences()).flat();
  expect(found).toEqual([]);
  clock.right();
}

/**
 * Each execution in Temporal is a Task of one run, unless a reset put another in its place before anybody saw it, or it was
 * to be refused; no Task is without its execution, unless that was deleted; and there is no run that nobody asked for.
 */
async function expectOneExecutionEach(stack: FaultStack): Promise<void> {
  const rows = await stack.sql<{ ids: string[]; workflowId: string; tasks: string[] }>(
    `SELECT coalesce(t.workflow_id, r.workflow_id) AS "workflowId", array_agg(DISTINCT r.id::text) AS ids,
       array_remove(array_agg(t.run_id ORDER BY t.run_id), NULL) AS tasks
     FROM graph_run r LEFT JOIN task t ON t.graph_run_id = r.id
     WHERE r.project_name = ANY ($1) GROUP BY 1`,
    [[...stack.graphs.keys()]],
  );
  // One that was resumed has an execution of each of its epochs.
  const runs = new Set(rows.flatMap(({ ids }) => ids));
  expect([...runs].sort()).toEqual([...stack.runs].sort());
  for (const { ids, workflowId, tasks } of rows) {
    expect(tasks.filter((runId) => stack.refused.has(runId))).toEqual([]);
    const executions = await listExecutions(stack, workflowId);
    const counted = executions.filter(({ runId, isReplaced }) => tasks.includes(runId) || !isReplaced);
    expect({ workflowId, executions: counted.map(({ runId }) => runId).sort() }).toEqual({
      workflowId,
      executions: ids.every((id) => stack.deleted.has(id)) ? [] : tasks,
    });
  }
}

async function listExecutions(stack: FaultStack, workflowId: string) {
  const found: { readonly runId: string; readonly status: string; readonly startTime: Date }[] = [];
  for await (const { runId, status, startTime } of stack.temporalClient.workflow.list({
    query: `WorkflowId = "${workflowId}"`,
  }))
    if (!stack.refused.has(runId)) found.push({ runId, status: status.name, startTime });
  const latest = Math.max(...found.map(({ startTime }) => startTime.getTime()));
  return found.map(({ runId, status, startTime }) => ({
    runId,
    isReplaced: status === 'TERMINATED' && startTime.getTime() < latest,
  }));
}

/** No open Task or attempt, no staging table, no session of an attempt. */
async function expectNothingLeft(stack: FaultStack): Promise<void> {
  const open = await stack.sql(
    `SELECT 'task' AS left, t.run_id AS what FROM task t
     WHERE t.closed_at IS NULL AND t.graph_run_id = ANY ($1)
     UNION ALL
     SELECT 'attempt', a.job_run_id || '#' || a.number FROM attempt a JOIN job_run r ON r.id = a.job_run_id
     WHERE a.completed_at IS NULL AND r.graph_run_id = ANY ($1)`,
    [stack.runs],
  );
  expect(open).toEqual([]);
  const staged = await stack.warehouseSql(
    `SELECT 'table' AS left, tablename AS what FROM pg_tables WHERE schemaname LIKE '%$staging' AND split_part(schemaname, '$', 1) = ANY ($1)
     UNION ALL
     SELECT 'session', application_name FROM pg_stat_activity WHERE application_name ~ '^[0-9a-f]{32}_'`,
    [[...stack.graphs.keys()].map((project) => project.replaceAll('-', '_'))],
  );
  expect(staged).toEqual([]);
}
