import { afterAll, describe, expect, it } from 'vitest';
import { countSql, type SqlCounts } from '../../bench/sql-counts.ts';
import { openDatabase } from '../../store/database.ts';
import { useDatabases } from '../support/databases.ts';

const { databaseUrl } = await useDatabases();
const database = openDatabase(databaseUrl, 2);
afterAll(() => database.close());
const counts = countSql();

async function countsOf(work: () => Promise<unknown>): Promise<SqlCounts> {
  const before = counts();
  await work();
  const after = counts();
  return {
    transactions: after.transactions - before.transactions,
    statements: after.statements - before.statements,
  };
}

describe('the count of what a process sends to Postgres', () => {
  it('takes a statement on its own for a transaction', async () => {
    expect(await countsOf(() => database.pool.query('SELECT 1'))).toEqual({ transactions: 1, statements: 1 });
    expect(await countsOf(() => database.pool.query({ text: 'SELECT $1::int', values: [1] }))).toEqual({
      transactions: 1,
      statements: 1,
    });
  });

  it('takes a transaction for one, however many statements it has', async () => {
    const work = () =>
      database.transaction(async (client) => {
        await client.query('SELECT 1');
        await client.query('SELECT 2');
      });
    expect(await countsOf(work)).toEqual({ transactions: 1, statements: 2 });
    const snapshot = () => database.snapshot((client) => client.query('SELECT 1'));
    expect(await countsOf(snapshot)).toEqual({ transactions: 1, statements: 1 });
  });

  it('counts one that is rolled back, and what follows on its connection anew', async () => {
    const failing = () => database.transaction((client) => client.query('SELECT 1 / 0')).catch(() => {});
    expect(await countsOf(failing)).toEqual({ transactions: 1, statements: 1 });
    expect(await countsOf(() => database.pool.query('SELECT 1'))).toEqual({ transactions: 1, statements: 1 });
  });

  it("counts those that are open at once each, and Prisma's", async () => {
    const work = () =>
      Promise.all([
        database.transaction((client) => client.query('SELECT 1')),
        database.transaction((client) => client.query('SELECT 1')),
      ]);
    expect(await countsOf(work)).toEqual({ transactions: 2, statements: 2 });
    expect(await countsOf(() => database.prisma.project.findMany())).toEqual({
      transactions: 1,
      statements: 1,
    });
    const batch = () =>
      database.prisma.$transaction([database.prisma.project.count(), database.prisma.job.count()]);
    expect(await countsOf(batch)).toEqual({ transactions: 1, statements: 2 });
  });
});
