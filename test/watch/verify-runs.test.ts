import { expect, it } from 'vitest';
import type { VerifiedRun } from '../../graph/inspections.ts';
import { verifyRuns } from '../../watch/verify-runs.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { useSql } from '../support/sql.ts';

const { kinds } = createTestKinds();
const engine = await useEngine(kinds);
const { inspector, store } = engine;
const sql = await useSql(engine.databaseUrl);

await engine.push({ project: 'p', jobs: { a: { kind: 'noop' } } });
await engine.push({ project: 'other', jobs: { a: { kind: 'noop' } } });

async function runOnce(project: string): Promise<string> {
  const { id, handle } = await engine.start(project);
  await handle.result();
  return id;
}

async function runLone(project: string): Promise<string> {
  const { id, handle } = await engine.startLone(project, 'a');
  await handle.result();
  return id;
}

const idsOf = (items: readonly VerifiedRun[]) => items.map(({ id }) => id);

it('verifies graph runs and lone job runs together, newest first, page after page', async () => {
  const ids = [await runOnce('p'), await runLone('p'), await runOnce('p')].reverse();
  const first = await inspector.verifyRuns({ project: 'p' }, { limit: 2 });
  expect([idsOf(first.items), first.total]).toEqual([ids.slice(0, 2), 3]);
  const rest = await inspector.verifyRuns({ project: 'p' }, { limit: 2, cursor: first.nextCursor ?? '' });
  expect([idsOf(rest.items), rest.total, rest.nextCursor]).toEqual([ids.slice(2), null, null]);
  expect([...first.items, ...rest.items]).toMatchObject([
    { type: 'graph_run', project: 'p', job: null, state: 'SUCCESS', verification: { verdict: 'equal' } },
    { type: 'job_run', project: 'p', job: 'a', state: 'SUCCESS', verification: { verdict: 'equal' } },
    { type: 'graph_run', verification: { verdict: 'equal' } },
  ]);
});

it('finds the one that was changed, and says of one that never had a Task that it cannot tell', async () => {
  const changed = await runOnce('p');
  await sql.query(`UPDATE job_run SET output = '"x"', output_hash = 'x' WHERE graph_run_id = $1`, [changed]);
  const { id } = await store.graphRuns.create({ project: 'p', params: {}, select: null, actor: 'test' });
  const { items } = await inspector.verifyRuns({ project: 'p' }, { limit: 2 });
  expect(items).toMatchObject([
    { id, state: 'PENDING', reason: 'queued', verification: { verdict: 'unprovable' } },
    { id: changed, verification: { verdict: 'different', differences: [{ job: 'a', fact: 'output' }] } },
  ]);
});

it('keeps to a project and to runs that were created since a time', async () => {
  const { now } = (await sql.query<{ now: Date }>('SELECT clock_timestamp() AS now'))[0] ?? {};
  const ids = [await runOnce('other'), await runLone('other')].reverse();
  const since = await inspector.verifyRuns({ since: now }, { limit: 10 });
  expect([idsOf(since.items), since.total]).toEqual([ids, 2]);
  expect(idsOf((await inspector.verifyRuns({ project: 'other' }, { limit: 10 })).items)).toEqual(ids);
  expect((await inspector.verifyRuns({ project: 'p', since: now }, { limit: 10 })).total).toBe(0);
  await expect(inspector.verifyRuns({ project: 'nobody' }, { limit: 10 })).rejects.toMatchObject({
    code: 'PROJECT_UNKNOWN',
  });
  await expect(inspector.verifyRuns({}, { limit: 10, cursor: 'x' })).rejects.toMatchObject({
    code: 'CURSOR_INVALID',
  });
});

it('ends a page that takes too long early, and goes on from there', async () => {
  await engine.push({ project: 'many', jobs: { a: { kind: 'noop' } } });
  const ids = [];
  for (let made = 0; made < 6; made += 1) {
    const run = await store.graphRuns.create({ project: 'many', params: {}, select: null, actor: 'test' });
    ids.unshift(run.id);
  }
  const noTime = 0;
  const page = await verifyRuns(engine, { project: 'many' }, { limit: 10 }, noTime);
  expect(idsOf(page.items)).toEqual(ids.slice(0, 4));
  const cursor = page.nextCursor ?? '';
  const rest = await verifyRuns(engine, { project: 'many' }, { limit: 10, cursor }, noTime);
  expect([idsOf(rest.items), rest.nextCursor]).toEqual([ids.slice(4), null]);
});

it('leaves out a run that is deleted between the list and its verification', async () => {
  await engine.push({ project: 'leaving', jobs: { a: { kind: 'noop' } } });
  await runOnce('leaving');
  const runs = {
    ...store.runs,
    factsOfGraphRun: async (id: string) => {
      await store.projects.remove('leaving', 'test');
      return store.runs.factsOfGraphRun(id);
    },
  };
  const page = await verifyRuns(
    { ...engine, store: { ...store, runs } },
    { project: 'leaving' },
    { limit: 10 },
  );
  expect(page).toEqual({ items: [], nextCursor: null, total: 1 });
});
