import pg from 'pg';
import { afterAll, expect, it } from 'vitest';
import { isConnectionError, translateDatabaseError } from '../../store/database-errors.ts';
import { Prisma } from '../../store/generated/client.ts';
import { createStore } from '../../store/index.ts';
import { useDatabases } from '../support/databases.ts';
import { pushNoops } from '../support/graphs.ts';
import { useSql } from '../support/sql.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
afterAll(() => store.close());
const sql = await useSql(databaseUrl);
await pushNoops(store, 'p', { a: [] });

/** As node-postgres tells what the server said. */
function refusal(state: string): Error {
  const error = new pg.DatabaseError('refused', 7, 'error');
  return Object.assign(error, { code: state, severity: 'FATAL' });
}

/** The same by way of Prisma, which has a code of its own for hardly any. */
function refusalInPrisma(state: string): Error {
  const driverAdapterError = new Error('refused', { cause: { originalCode: state, kind: 'postgres' } });
  const meta = { modelName: 'Project', driverAdapterError };
  return new Prisma.PrismaClientKnownRequestError('refused', { code: 'P2039', clientVersion: '7', meta });
}

it.each([
  ['08006', 'a connection failed'],
  ['57P01', 'an administrator ended it'],
  ['57P02', 'another backend crashed'],
  ['57P03', 'it starts or stops'],
  ['53100', 'its disk is full'],
  ['53200', 'it is out of memory'],
  ['53300', 'it has too many connections'],
  ['25006', 'it takes no writes'],
  ['55P03', 'a lock was not had in time'],
])('says that the database is away for %s: %s', (state) => {
  for (const error of [refusal(state), refusalInPrisma(state)]) {
    expect(isConnectionError(error)).toBe(true);
    expect(translateDatabaseError(error)).toMatchObject({ code: 'STORE_UNAVAILABLE', cause: error });
  }
});

it('says what ails the database', () => {
  const messageOf = (error: unknown) => String(translateDatabaseError(error));
  expect(messageOf(refusal('25006'))).toContain('(DATABASE_URL) takes no writes at the moment');
  expect(messageOf(refusalInPrisma('53300'))).toContain('(DATABASE_URL) has no connection left');
  expect(messageOf(new Error('Connection terminated'))).toContain('(DATABASE_URL) does not answer');
});

it.each(['23505', '22P02', '42P01', '57014'])('leaves %s as it is', (state) => {
  for (const error of [refusal(state), refusalInPrisma(state)])
    expect(translateDatabaseError(error)).toBe(error);
});

it('says so while the database takes no writes, and goes on afterwards', async () => {
  const name = new URL(databaseUrl).pathname.slice(1);
  const setReadOnly = async (to: 'on' | 'off') => {
    await sql.query('SET default_transaction_read_only = off');
    await sql.query(`ALTER DATABASE "${name}" SET default_transaction_read_only = ${to}`);
    await sql.query(
      `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'graphrun'`,
    );
  };
  const change = { timezone: 'Europe/Berlin', actor: 'test' };
  const run = { project: 'p', params: {}, select: null, actor: 'test' };
  await setReadOnly('on');
  await expect(store.projects.update('p', change)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  await expect(store.graphRuns.create(run)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(await store.projects.get('p')).toMatchObject({ name: 'p', timezone: 'UTC' });
  await setReadOnly('off');
  expect(await store.projects.update('p', change)).toMatchObject({ timezone: 'Europe/Berlin' });
});
