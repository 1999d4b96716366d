import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CodedError } from '../../graph/errors.ts';
import { createWarehouse, type Warehouse } from '../../warehouse/warehouse.ts';
import { nextToken, openTestAttempt, type TestJob } from '../jobs/attempts.ts';
import { useDatabases } from '../support/databases.ts';
import { connect, query, running, stagingTables, untilRunning } from './sql.ts';

const databases = await useDatabases();
let warehouse: Warehouse;

beforeAll(async () => {
  warehouse = createWarehouse({ url: databases.warehouseUrl, poolSize: 6, publishWaitMs: 500 });
  await warehouse.prepare();
});
afterAll(() => warehouse.close());

const flights = { project: 'flights' };
const sql = (text: string) => query(databases.warehouseUrl, text);

/** Stages a table of one column `n` for each dataset. */
async function stage(job: Omit<TestJob, 'kind' | 'config'>, datasets: Record<string, number>) {
  const attempt = await openTestAttempt(warehouse, job);
  for (const [dataset, n] of Object.entries(datasets)) {
    await (await attempt.warehouse.stage(dataset)).createAs(`select ${n} as n`);
  }
  return attempt;
}

async function publish(
  job: Omit<TestJob, 'kind' | 'config'>,
  datasets: Record<string, number>,
): Promise<void> {
  const attempt = await stage(job, datasets);
  await attempt.publish(null);
  await attempt.discard();
}

it('publishes all datasets of an attempt and its output together', async () => {
  const job = { jobRunId: randomUUID() };
  const attempt = await stage(job, { b: 2, a: 1 });
  expect(await sql(`select tablename from pg_tables where schemaname = 'flights'`)).toEqual([]);
  await attempt.publish({ rows: 2, text: 'é\u0000\ud800' });
  expect(await sql('select a.n, b.n from flights.a, flights.b')).toEqual([[1, 2]]);
  expect(await stagingTables(databases.warehouseUrl)).toEqual([]);

  const later = await openTestAttempt(warehouse, job);
  expect(later.published).toEqual({ output: { rows: 2, text: 'é\u0000\ud800' } });
  expect((await openTestAttempt(warehouse, { ...job, epoch: 2 })).published).toBeNull();
});

it('changes nothing when it publishes a second time', async () => {
  const attempt = await stage({}, { twice: 1 });
  await attempt.publish('first');
  await attempt.publish('second');
  await attempt.discard();
  expect(await sql('select n from flights.twice')).toEqual([[1]]);
});

it('lets no attempt publish after a newer one has begun', async () => {
  const jobRunId = randomUUID();
  await publish({}, { fenced: 0 });
  const older = await stage({ jobRunId }, { fenced: 1 });
  const newer = await stage({ jobRunId }, { fenced: 2 });
  await expect(older.publish(null)).rejects.toMatchObject({ code: 'SUPERSEDED' });
  await older.discard();
  await newer.publish(null);
  await expect(older.publish(null)).rejects.toMatchObject({ code: 'SUPERSEDED' });
  expect(await sql('select n from flights.fenced')).toEqual([[2]]);
});

it('refuses to open an attempt when a newer one has begun', async () => {
  const jobRunId = randomUUID();
  const [older, newer] = [nextToken(), nextToken()];
  await openTestAttempt(warehouse, { jobRunId, token: newer });
  const refused = openTestAttempt(warehouse, { jobRunId, token: older });
  await expect(refused).rejects.toMatchObject({ code: 'SUPERSEDED', status: 409 });
});

it('shuts an attempt out when the fence is raised from outside, and never lowers it', async () => {
  const jobRunId = randomUUID();
  const attempt = await stage({ jobRunId }, { outside: 1 });
  await warehouse.shutOut([{ ...flights, jobRunId, epoch: 1, token: nextToken() }]);
  await warehouse.shutOut([{ ...flights, jobRunId, epoch: 1, token: 0n }]);
  await expect(attempt.publish(null)).rejects.toMatchObject({ code: 'SUPERSEDED' });
  expect(await stagingTables(databases.warehouseUrl)).toEqual([]);
});

it('tells who shuts attempts out what they had published, each in its epoch', async () => {
  const [told, silent] = [randomUUID(), randomUUID()];
  const attempt = await stage({ jobRunId: told, epoch: 2 }, { told: 1 });
  await attempt.publish({ rows: 1 });
  await attempt.discard();
  await stage({ jobRunId: silent, epoch: 2 }, { silent: 1 });
  const shutOut = (epoch: number) =>
    warehouse.shutOut(
      [told, silent].map((jobRunId) => ({ ...flights, jobRunId, epoch, token: nextToken() })),
    );
  expect([...(await shutOut(2))]).toEqual([[told, '{"rows":1}']]);
  expect([...(await shutOut(1))]).toEqual([]);
});

it('withdraws an attempt: it tells what came through, and lets nothing come through later', async () => {
  const [published, open] = [
    { jobRunId: randomUUID(), token: nextToken(), epoch: 1 },
    { jobRunId: randomUUID(), token: nextToken(), epoch: 1 },
  ];
  const done = await stage(published, { withdrawn: 1 });
  await done.publish('done');
  const late = await stage(open, { withdrawn: 2 });
  expect(await warehouse.withdraw(published)).toBe('"done"');
  expect(await warehouse.withdraw(open)).toBeNull();
  await expect(late.publish('late')).rejects.toMatchObject({ code: 'SUPERSEDED' });
  expect(await sql('select n from flights.withdrawn')).toEqual([[1]]);
  // The next attempt of the sequence is not shut out with it.
  const next = await stage({ ...open, token: open.token + 1n }, { withdrawn: 3 });
  await Promise.all([done, late, next].map((attempt) => attempt.discard()));
});

it('ends the statement of an attempt that a newer one has replaced, and drops what it staged', async () => {
  const jobRunId = randomUUID();
  const older = await stage({ jobRunId }, { first: 1 });
  const slow = (await older.warehouse.stage('second')).createAs('select 1 as n from pg_sleep(61)');
  const ended = expect(slow).rejects.toMatchObject({
    code: 'WAREHOUSE_UNAVAILABLE',
    cause: { code: '57P01' },
  });
  await untilRunning(databases.warehouseUrl, 'pg_sleep(61)');
  await openTestAttempt(warehouse, { jobRunId });
  await ended;
  expect(await running(databases.warehouseUrl, 'pg_sleep(61)')).toBe(0);
  expect(await stagingTables(databases.warehouseUrl)).toEqual([]);
});

it('lets an attempt that wakes up late not even begin to work', async () => {
  const jobRunId = randomUUID();
  const older = await openTestAttempt(warehouse, { jobRunId });
  const staging = await older.warehouse.stage('late');
  await openTestAttempt(warehouse, { jobRunId });
  await expect(staging.createAs('select 1 as n')).rejects.toMatchObject({ code: 'SUPERSEDED' });
  await older.discard();
});

it('refuses to replace a table that views read, names them, and leaves both as they were', async () => {
  await publish({}, { viewed: 1, beside: 1 });
  await sql('create schema bi; create view bi.report as select * from flights.viewed');
  const attempt = await stage({}, { viewed: 2, beside: 2 });
  const refused = { code: 'DATASET_IN_USE', message: expect.stringMatching(/"viewed".*view bi\.report/) };
  await expect(attempt.publish(null)).rejects.toMatchObject(refused);
  await attempt.discard();
  expect(await sql('select v.n, b.n from bi.report v, flights.beside b')).toEqual([[1, 1]]);
  expect(await stagingTables(databases.warehouseUrl)).toEqual([]);
});

it('refuses to replace a view that somebody put in the place of a dataset', async () => {
  await warehouse.ensureProject('flights');
  await sql('create view flights.foreign_view as select 1 as n');
  const attempt = await stage({}, { foreign_view: 2 });
  await expect(attempt.publish(null)).rejects.toMatchObject({ code: 'DATASET_IN_USE' });
  await attempt.discard();
});

it('keeps what others were allowed on the table that it replaces', async () => {
  const reader = `reader_${randomUUID().slice(0, 8)}`;
  await publish({}, { granted: 1 });
  await sql(`create role ${reader}; grant select on flights.granted to ${reader}, public`);
  await publish({}, { granted: 2 });
  const [rights] = await sql(`select has_table_privilege('${reader}', 'flights.granted', 'SELECT'),
    has_table_privilege('public', 'flights.granted', 'SELECT'), has_table_privilege('public', 'flights.granted', 'INSERT')`);
  expect(rights).toEqual([true, true, false]);
  await sql(`drop owned by ${reader}; drop role ${reader}`);
});

it('moves indexes along, also where those of other datasets have the same names', async () => {
  for (const dataset of ['indexed', 'indexed_too', 'indexed']) {
    const attempt = await stage({}, { [dataset]: 1 });
    const staging = await attempt.warehouse.stage(dataset);
    await staging.query(`create index by_n on ${staging.table} (n)`);
    await attempt.publish(null);
    await attempt.discard();
  }
  const indexes = await sql(`select tablename from pg_indexes where schemaname = 'flights' order by 1`);
  expect(indexes).toEqual([['indexed'], ['indexed_too']]);
});

it('does not wait for ever for a name that something else has', async () => {
  await warehouse.ensureProject('flights');
  await sql('create domain flights.taken as int');
  const attempt = await stage({}, { taken: 1 });
  await expect(attempt.publish(null)).rejects.toMatchObject({ code: '42710' });
  await attempt.discard();
});

it('waits for a reader of the old table, and publishes when it ends', async () => {
  await publish({}, { read: 1 });
  const reader = await connect(databases.warehouseUrl);
  await reader.query('begin; select * from flights.read');
  const attempt = await stage({}, { read: 2 });
  const published = attempt.publish(null);
  await untilRunning(databases.warehouseUrl, 'lock table "flights"."read"');
  await reader.query('commit');
  await published;
  await reader.end();
  expect(await sql('select n from flights.read')).toEqual([[2]]);
});

it('gives up on a reader that does not end, says who it is, and can be tried again', async () => {
  await publish({}, { held: 1 });
  const reader = await connect(databases.warehouseUrl);
  await reader.query('begin; select * from flights.held');
  const attempt = await stage({}, { held: 2 });
  const error: unknown = await attempt.publish(null).catch((caught: unknown) => caught);
  expect(error).not.toBeInstanceOf(CodedError);
  expect(String(error)).toMatch(/within 0.5 s: held by process \d+ of /);
  await reader.query('rollback');
  await reader.end();
  await attempt.publish(null);
  expect(await sql('select n from flights.held')).toEqual([[2]]);
});

it('lets two job runs that write one dataset publish at the same time, one after the other', async () => {
  const attempts = await Promise.all([1, 2, 3, 4].map((n) => stage({}, { raced: n, raced_too: n })));
  await Promise.all(attempts.map((attempt) => attempt.publish(null)));
  const [row] = await sql('select a.n = b.n from flights.raced a, flights.raced_too b');
  expect(row).toEqual([true]);
});

it('stops waiting for a reader when it is cancelled', async () => {
  await publish({}, { cancelled: 1 });
  const reader = await connect(databases.warehouseUrl);
  await reader.query('begin; select * from flights.cancelled');
  const cancel = new AbortController();
  const attempt = await stage({ signal: cancel.signal }, { cancelled: 2 });
  const published = expect(attempt.publish(null)).rejects.toThrow('cancelled by Ann');
  await untilRunning(databases.warehouseUrl, 'lock table "flights"."cancelled"');
  cancel.abort(new Error('cancelled by Ann'));
  await published;
  await reader.end();
  await attempt.discard();
  expect(await sql('select n from flights.cancelled')).toEqual([[1]]);
});
