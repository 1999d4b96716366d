// Runs of the API whose start did not reach Temporal, while no worker polls.
import { describe, expect, it } from 'vitest';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';
import { useWatch } from '../support/watch.ts';

const { kinds } = createTestKinds();
const engine = await useEngine(kinds, undefined, { isIdle: true });
const { store, client } = engine;
const sql = await useSql(engine.databaseUrl);
await engine.push({ project: 'p', jobs: { a: { kind: 'noop' } } });
const actor = 'test';

/** As of an API that was killed between its row and its start. */
const created = () => store.graphRuns.create({ project: 'p', params: {}, select: null, actor });

/** A holder that died with it: its lease lasts for eight seconds more. */
const first = await created();
const createdAt = performance.now();
await store.leases.hold('watch', 'a process that was killed', 8_000);
const watch = useWatch(engine);

const describeOf = (workflowId: string) =>
  client.workflow
    .getHandle(workflowId)
    .describe()
    .catch(() => undefined);
const started = (workflowId: string, withinMs: number) =>
  until(() => describeOf(workflowId), `${workflowId} is started`, withinMs);

async function noted(id: string): Promise<string> {
  return until(async () => {
    const [row] = await sql.query<{ first: string | null }>(
      `SELECT first_execution_run_id AS first FROM graph_run WHERE id = $1
       UNION ALL SELECT first_execution_run_id FROM job_run WHERE id = $1`,
      [id],
    );
    return row?.first ?? undefined;
  }, 'its execution is known');
}

async function eventsOf(id: string) {
  return sql.query(
    'SELECT type, job, state, actor FROM event WHERE graph_run_id = $1 OR job_run_id = $1 ORDER BY number',
    [id],
  );
}

describe('a run that was never started', () => {
  it('is started within ten seconds, though the holder of the lease died as well', async () => {
    await started(first.workflowId, 12_000);
    expect(performance.now() - createdAt).toBeLessThan(10_000);
    expect(await noted(first.id)).toBe((await describeOf(first.workflowId))?.runId);
  });

  it('is started by the watch, which tells of it', async () => {
    const run = await created();
    const { runId } = await started(run.workflowId, 5_000);
    expect(await noted(run.id)).toBe(runId);
    expect(watch.corrections.filter((correction) => correction.endsWith(run.workflowId))).toEqual([
      `started ${run.workflowId}`,
    ]);
    expect(await eventsOf(run.id)).toEqual([
      { type: 'graph_run', job: null, state: 'PENDING', actor },
      { type: 'graph_run', job: null, state: 'PENDING', actor: 'watch' },
    ]);
    const [counts] = await sql.query<{ started: string }>('SELECT started FROM watch');
    expect(Number(counts?.started)).toBeGreaterThanOrEqual(1);
  });

  it('alike when it is of one job', async () => {
    const run = await store.jobRuns.create({ project: 'p', job: 'a', actor });
    await started(run.workflowId, 5_000);
    await noted(run.id);
    expect(await eventsOf(run.id)).toEqual([
      { type: 'job_run', job: 'a', state: 'PENDING', actor },
      { type: 'job_run', job: 'a', state: 'PENDING', actor: 'watch' },
    ]);
  });
});

describe('a run that was started, and waits for a worker', () => {
  it('is not started again, and nothing is told', async () => {
    const { id, handle } = await engine.start('p');
    const { runId } = await handle.describe();
    expect(await noted(id)).toBe(runId);
    expect(watch.corrections).not.toContain(`started ${handle.workflowId}`);
    expect(await eventsOf(id)).toHaveLength(1);
    const later = new Date(Date.now() + 60_000);
    const unstarted = await store.graphRuns.unstarted(later, 100);
    expect(unstarted.map((run) => run.id)).not.toContain(id);
  });

  it('is FAILED/lost when its workflow is deleted', async () => {
    const { id, handle } = await engine.start('p');
    await noted(id);
    const workflowExecution = { workflowId: handle.workflowId };
    await client.workflowService.deleteWorkflowExecution({ namespace: 'default', workflowExecution });
    const run = await engine.ended(id);
    expect(['lost', 'terminated']).toContain(run.reason);
    expect(run.jobRuns.map(({ state }) => state)).toEqual(['FAILED']);
  });
});

it('runs that were waiting all succeed once a worker comes', async () => {
  await engine.startWorkers();
  const run = await engine.ended(first.id);
  expect(run).toMatchObject({ state: 'SUCCESS', epoch: 1 });
  expect(run.tasks).toHaveLength(1);
  expect(await engine.verify(first.id)).toMatchObject({ verdict: 'equal' });
});
