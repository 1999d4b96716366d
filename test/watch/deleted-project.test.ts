import { expect, it } from 'vitest';
import { withClient } from '../../dev/databases.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';
import { useWatch } from '../support/watch.ts';

const engine = await useEngine(createTestKinds().kinds);
const { store } = engine;
useWatch(engine);
const sql = await useSql(engine.databaseUrl);
const inWarehouse = async (text: string) =>
  (await withClient(engine.warehouseUrl, (client) => client.query({ text, rowMode: 'array' }))).rows;

/** A run that has written `value` into the table `staged`. */
async function runStager(value: number): Promise<void> {
  await engine.push({ project: 'anew', jobs: { write: { kind: 'stager', config: { value, chars: 1 } } } });
  expect(await engine.run('anew')).toMatchObject({ state: 'SUCCESS' });
}

it('a deleted project leaves nothing behind, and one made anew begins with nothing', async () => {
  await runStager(1);
  const left = async () => [
    await inWarehouse(`select nspname from pg_namespace where nspname like 'anew%' order by 1`),
    await inWarehouse(`select rolname from pg_roles where rolname = current_database() || '.anew'`),
    await inWarehouse(`select count(*)::int from graphrun.fence where project = 'anew'`),
    await inWarehouse('select count(*)::int from graphrun.published'),
  ];
  expect(await left()).toEqual([[['anew'], ['anew$staging']], [[expect.any(String)]], [[1]], [[1]]]);
  await store.projects.remove('anew', 'test');
  await until(
    async () => ((await sql.query('SELECT FROM project_tombstone')).length === 0 ? true : undefined),
    'the watch has dropped it',
  );
  expect(await left()).toEqual([[], [], [[0]], [[0]]]);
  await runStager(2);
  expect(await inWarehouse('select * from anew.staged')).toEqual([[2]]);
});
