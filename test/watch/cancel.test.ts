// Cancels that are kept on rows, while no worker polls and while one does.
import { describe, expect, it } from 'vitest';
import { cancelGraceMs } from '../../workflows/contract.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';
import { useWatch } from '../support/watch.ts';

const { kinds, begun } = createTestKinds();
const engine = await useEngine(kinds, undefined, { isIdle: true });
const { store, client } = engine;
const sql = await useSql(engine.databaseUrl);
useWatch(engine);
await engine.push({
  project: 'p',
  jobs: { a: { kind: 'endless' }, b: { kind: 'noop', dependsOn: ['a'], runIf: 'all_done' } },
});

const actor = 'key:somebody';
const cancel = (id: string) => store.cancels.graphRun({ id, note: 'enough', actor });
/** Looks of the watch come a second apart. */
const withinMs = cancelGraceMs + 10_000;

const untilEnded = (id: string) =>
  until(
    async () => {
      const run = await store.graphRuns.get(id);
      return run.completedAt === null ? undefined : run;
    },
    `run ${id} ends`,
    withinMs,
  );

const statusOf = async (workflowId: string) =>
  (await client.workflow.getHandle(workflowId).describe()).status.name;

async function expectCancelled(id: string): Promise<void> {
  const run = await store.graphRuns.get(id);
  expect(run).toMatchObject({ state: 'FAILED', reason: 'cancelled', cancelRequest: { by: actor } });
  expect(run.jobRuns.map(({ state, reason }) => [state, reason])).toEqual([
    ['FAILED', 'cancelled'],
    ['FAILED', 'cancelled'],
  ]);
  expect(await engine.verify(id)).toMatchObject({ verdict: 'equal', differences: [] });
}

describe('without a worker', () => {
  it('a cancel becomes a terminate after its grace, and the run is cancelled all the same', async () => {
    const started = await engine.start('p');
    const lone = await engine.startLone('p', 'a');
    const unstarted = await store.graphRuns.create({ project: 'p', params: {}, select: null, actor });
    const outside = await engine.startOutside('graphRun', { project: 'p' });
    const outsideId = await until(
      async () =>
        (await store.graphRuns.list({}, { limit: 100 })).items.find(
          (run) => run.workflowId === outside.workflowId,
        )?.id,
      'it has a row',
    );
    const ids = [started.id, unstarted.id, outsideId];
    const at = performance.now();
    await Promise.all(ids.map(cancel));
    await store.cancels.jobRun({ id: lone.id, note: null, actor });
    const runs = await Promise.all(ids.map(untilEnded));
    expect(performance.now() - at).toBeGreaterThan(cancelGraceMs);
    for (const run of runs) {
      await expectCancelled(run.id);
      expect(run).toMatchObject({ startedAt: null, error: { type: 'cancelled' } });
      expect(await statusOf(run.workflowId)).toBe('TERMINATED');
      expect(await store.cancels.open('graph_run', null, 100)).toEqual([]);
    }
    const ended = await until(
      async () => {
        const found = await store.jobRuns.get(lone.id);
        return found.completedAt === null ? undefined : found;
      },
      'the job run ends',
      withinMs,
    );
    expect(ended).toMatchObject({ state: 'FAILED', reason: 'cancelled', cancelRequest: { by: actor } });
    expect(await engine.inspector.verifyJobRun(lone.id)).toMatchObject({ verdict: 'equal' });
    const [last] = await sql.query(
      'SELECT state, reason, actor FROM event WHERE graph_run_id = $1 AND job_run_id IS NULL ORDER BY number DESC LIMIT 1',
      [started.id],
    );
    expect(last).toEqual({ state: 'FAILED', reason: 'cancelled', actor: 'watch' });
    expect(begun).toEqual([]);
  }, 60_000);

  it('a terminate that somebody else sends is one', async () => {
    const { id, handle } = await engine.start('p');
    await cancel(id);
    await handle.terminate('I had enough');
    expect(await untilEnded(id)).toMatchObject({ reason: 'terminated' });
    expect(await engine.verify(id)).toMatchObject({ verdict: 'equal' });
  });

  it('the cancel waits for a worker that comes in time', async () => {
    const { id, handle } = await engine.start('p');
    await cancel(id);
    await until(async () => {
      const { raw } = await handle.describe();
      return raw.workflowExtendedInfo?.cancelRequested ? true : undefined;
    }, 'Temporal has heard of it');
    expect((await engine.inspector.explainGraphRun(id)).run).toMatchObject({
      reason: 'cancelling',
      message: expect.stringMatching(
        /^It is to be cancelled, since \S+ by key:somebody \(enough\)\. Temporal has been told/,
      ),
    });
    const workers = await engine.startWorkers();
    await untilEnded(id);
    await workers.stop();
    await expectCancelled(id);
    expect(await statusOf(handle.workflowId)).toBe('CANCELLED');
    expect(begun).toEqual([]);
  });
});

describe('with a worker', () => {
  it('a cancel of which Temporal was not told yet is told by the watch', async () => {
    const workers = await engine.startWorkers();
    const { id, handle } = await engine.start('p');
    await until(() => (begun.length > 0 ? true : undefined), 'the job works');
    await cancel(id);
    await untilEnded(id);
    await expectCancelled(id);
    expect(await statusOf(handle.workflowId)).toBe('CANCELLED');
    const { events } = await handle.fetchHistory();
    const told = events?.flatMap((event) => event.workflowExecutionCancelRequestedEventAttributes ?? []);
    expect(told).toMatchObject([{ cause: 'enough', identity: actor }]);
    await workers.stop();
  });
});
