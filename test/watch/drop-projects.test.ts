import { expect, it } from 'vitest';
import { withClient } from '../../dev/databases.ts';
import { dropDeletedProjects } from '../../watch/drop-projects.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { useSql } from '../support/sql.ts';

const engine = await useEngine(createTestKinds().kinds);
const { store, warehouse } = engine;
const starter = { removeSchedule: async () => {} };
const sql = await useSql(engine.databaseUrl);
const inWarehouse = async (text: string) =>
  (await withClient(engine.warehouseUrl, (client) => client.query({ text, rowMode: 'array' }))).rows;

/** A run that has written `value` into the table `staged` of a project. */
async function runStager(project: string, value: number): Promise<void> {
  const jobs = { write: { kind: 'stager', config: { value, chars: 1 } } };
  await engine.push({ project, jobs });
  expect(await engine.run(project)).toMatchObject({ state: 'SUCCESS' });
}

it('keeps the name of a project whose tables others use, and tells why, until it could drop them', async () => {
  await runStager('viewed', 1);
  await inWarehouse('create schema bi; create view bi.report as select * from viewed.staged');
  await store.projects.remove('viewed', 'test');
  const create = () => store.projects.create({ name: 'viewed', timezone: 'UTC', actor: 'test' });
  const refused = { code: 'PROJECT_BEING_DELETED', status: 409 };
  await expect(create()).rejects.toMatchObject(refused);
  const errors: unknown[] = [];
  const drop = () =>
    dropDeletedProjects({ store, warehouse, starter, onError: (error) => errors.push(error) });
  await drop();
  await drop();
  expect(errors).toMatchObject([{ code: 'DATASET_IN_USE' }]);
  await expect(create()).rejects.toMatchObject({
    ...refused,
    message: expect.stringMatching(/view bi\.report.*drop what uses them first\.$/),
  });
  await inWarehouse('drop view bi.report');
  await sql.query('UPDATE project_tombstone SET retry_at = now()');
  await drop();
  expect(await create()).toMatchObject({ name: 'viewed', state: null });
  expect(await inWarehouse(`select nspname from pg_namespace where nspname like 'viewed%'`)).toEqual([]);
});
