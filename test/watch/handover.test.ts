// What happened while nobody watched is found by the next holder.
import { expect, it } from 'vitest';
import type { GraphRunDetail } from '../../graph/resources.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { resetPoints, resetWorkflow } from '../support/reset.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';
import { useWatch } from '../support/watch.ts';

const { kinds } = createTestKinds();
const engine = await useEngine(kinds, undefined, { isIdle: true });
const { store, client } = engine;
const sql = await useSql(engine.databaseUrl);
await engine.push({ project: 'p', jobs: { a: { kind: 'noop' }, b: { kind: 'noop', dependsOn: ['a'] } } });

interface WatchRow {
  readonly listed_until: Date | null;
  readonly watched_until: Date | null;
  readonly turn_ended_at: Date | null;
  readonly lag_ms: string;
  readonly is_behind: boolean;
}

async function watchRow(): Promise<WatchRow> {
  const [row] = await sql.query<WatchRow & Record<string, unknown>>('SELECT * FROM watch');
  if (!row) throw new Error('no row');
  return row;
}

const watchedSince = (time: Date) =>
  until(async () => {
    const row = await watchRow();
    return row.watched_until !== null && row.watched_until > time ? row : undefined;
  }, 'a whole turn begins and ends');

const databaseTime = async () => (await sql.query<{ now: Date }>('SELECT now()'))[0]?.now as Date;
const watchEvents = async () =>
  (await sql.query<{ reason: string }>(`SELECT reason FROM event WHERE type = 'watch' ORDER BY number`)).map(
    ({ reason }) => reason,
  );

const ended = (run: GraphRunDetail) => run.state === 'SUCCESS' || run.state === 'FAILED';

it('a reset of a run that had ended, a start, a terminate, and a deletion of one that is open', async () => {
  const workers = await engine.startWorkers();
  const first = useWatch(engine);
  const closed = await engine.start('p');
  await closed.handle.result();
  await engine.push({ project: 'hang', jobs: { endless: { kind: 'endless' } } });
  const terminated = await engine.start('hang');
  const deleted = await engine.start('hang');
  await until(async () => {
    const runs = await Promise.all([terminated, deleted].map(({ id }) => store.graphRuns.get(id)));
    return runs.every(({ jobRuns }) => jobRuns[0]?.state === 'RUNNING') || undefined;
  }, 'both run');
  await watchedSince(await databaseTime());
  await first.stop();
  const left = await watchRow();
  expect(left).toMatchObject({
    is_behind: false,
    listed_until: expect.any(Date),
    turn_ended_at: expect.any(Date),
  });
  expect(Number(left.lag_ms)).toBeLessThan(10_000);
  await workers.stop();

  const [beginning = 0] = await resetPoints(closed.handle);
  const resetRunId = await resetWorkflow(closed.handle, beginning);
  const outside = await engine.startOutside('graphRun', { project: 'p' });
  await terminated.handle.terminate();
  const workflowExecution = { workflowId: deleted.handle.workflowId };
  await client.workflowService.deleteWorkflowExecution({ namespace: 'default', workflowExecution });
  await until(
    () =>
      deleted.handle.describe().then(
        () => undefined,
        () => true,
      ),
    'it is deleted',
  );
  // Nobody watches for a minute.
  await sql.query(
    `UPDATE watch SET watched_until = watched_until - interval '1 minute', listed_until = listed_until - interval '1 minute'`,
  );

  useWatch(engine);
  const adopted = await until(async () => {
    const run = await store.graphRuns.get(closed.id);
    return run.epoch === 2 ? run : undefined;
  }, 'the reset shows');
  expect(adopted).toMatchObject({ state: 'RUNNING', completedAt: null });
  expect(adopted.tasks.at(-1)).toMatchObject({ runId: resetRunId, epoch: 2, closedAt: null });
  const found = await until(async () => {
    const { items } = await store.graphRuns.list({ project: 'p' }, { limit: 10 });
    return items.find((run) => run.workflowId === outside.workflowId);
  }, 'the start shows');
  expect(found).toMatchObject({ state: 'PENDING', origin: 'temporal' });
  const [one, other] = await until(async () => {
    const runs = await Promise.all([terminated, deleted].map(({ id }) => store.graphRuns.get(id)));
    return runs.every(ended) ? runs : undefined;
  }, 'the ends show');
  expect([one?.reason, other?.reason]).toEqual(['terminated', 'lost']);

  await until(async () => ((await watchRow()).is_behind ? undefined : true), 'it has caught up');
  expect(await watchEvents()).toEqual(['behind', 'caught_up']);
  const [counts] = await sql.query<Record<string, string>>('SELECT adopted, opened, ended FROM watch');
  expect(counts).toEqual({ adopted: '1', opened: '1', ended: '2' });
});
