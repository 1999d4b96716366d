import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, expect, it } from 'vitest';
import { inWarehouse, type WarehouseWork } from '../../activities/in-warehouse.ts';
import { createWarehouse } from '../../warehouse/warehouse.ts';
import { nextToken } from '../jobs/attempts.ts';
import { useDatabases } from '../support/databases.ts';
import { useSql } from '../support/sql.ts';
import { untilRunning } from '../warehouse/sql.ts';

const { warehouseUrl } = await useDatabases();
const warehouse = createWarehouse({ url: warehouseUrl, poolSize: 5 });
await warehouse.prepare();
afterAll(() => warehouse.close());
const sql = await useSql(warehouseUrl);

/** Ends every connection to the warehouse but this test's own. */
const breakAll = () =>
  sql.query(
    'SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  );

/** Breaks them under a statement, once it runs. */
async function breakUnder(statement: Promise<unknown>, text: string): Promise<void> {
  statement.catch(() => {});
  await untilRunning(warehouseUrl, text);
  await breakAll();
}

function run(work: WarehouseWork, signal = new AbortController().signal) {
  const attempt = { project: 'p', jobRunId: randomUUID(), epoch: 1, token: nextToken(), signal };
  return inWarehouse(warehouse, attempt, work);
}

it('begins again when the warehouse breaks off, and publishes once', async () => {
  let begun = 0;
  const output = await run(async (opened) => {
    begun += 1;
    const staging = await opened.stage('numbers');
    const filled = staging.createAs(`select ${begun} as n from pg_sleep(${begun === 1 ? 61 : 0})`);
    if (begun === 1) await breakUnder(filled, 'pg_sleep(61)');
    await filled;
    return { begun };
  });
  expect(output).toEqual({ begun: 2 });
  expect(await sql.query('select n from p.numbers')).toEqual([{ n: 2 }]);
});

it('gives up work that breaks its connections each time', async () => {
  let begun = 0;
  const broken = run(async (opened) => {
    begun += 1;
    const filled = (await opened.stage('poison')).createAs('select 1 as n from pg_sleep(62)');
    await breakUnder(filled, 'pg_sleep(62)');
    await filled;
  });
  await expect(broken).rejects.toMatchObject({ code: 'WAREHOUSE_UNAVAILABLE' });
  expect(begun).toBe(3);
});

it('leaves an error of the work as it is', async () => {
  let begun = 0;
  const failed = run(async () => {
    begun += 1;
    throw new pg.DatabaseError('no luck', 7, 'error');
  });
  await expect(failed).rejects.toThrow('no luck');
  expect(begun).toBe(1);
});

it('waits no longer once it is told to stop', async () => {
  const stop = new AbortController();
  const stopped = run(async (opened) => {
    const filled = (await opened.stage('stopped')).createAs('select 1 as n from pg_sleep(63)');
    filled.catch(() => stop.abort(new Error('cancelled by Ann')));
    await breakUnder(filled, 'pg_sleep(63)');
    await filled;
  }, stop.signal);
  await expect(stopped).rejects.toThrow('cancelled by Ann');
});
