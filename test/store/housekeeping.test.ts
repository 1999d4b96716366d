import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { createStore } from '../../store/index.ts';
import { useDatabases } from '../support/databases.ts';
import { useSql } from '../support/sql.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
afterAll(() => store.close());
const sql = await useSql(databaseUrl);
const { deleteBatch } = store.housekeeping;

/** Events 1, 2, ... of so many days ago each. */
async function writeEvents(...daysAgo: number[]): Promise<void> {
  await sql.query(
    `INSERT INTO event (number, at, type, project, actor)
     SELECT place, now() - days * interval '1 day', 'project', 'p', 'test'
     FROM unnest($1::float8[]) WITH ORDINALITY AS e (days, place)`,
    [daysAgo],
  );
}

async function numbers(): Promise<number[]> {
  const rows = await sql.query<{ number: string }>('SELECT number FROM event ORDER BY number');
  return rows.map(({ number }) => Number(number));
}

beforeEach(() => sql.query('DELETE FROM event'));

describe('a batch deletes events', () => {
  it('that are over 30 days old', async () => {
    await writeEvents(40, 31, 29, 0);
    expect(await deleteBatch(100)).toBe(false);
    expect(await numbers()).toEqual([3, 4]);
  });

  it('up to the first that is kept, so that the feed has no gap', async () => {
    await writeEvents(31, 29.9, 30.1, 29, 0);
    await deleteBatch(100);
    expect(await numbers()).toEqual([2, 3, 4, 5]);
  });

  it('but never the newest, which tells what is missing', async () => {
    await writeEvents(50, 40, 35);
    await deleteBatch(100);
    expect(await numbers()).toEqual([3]);
    expect(await deleteBatch(100)).toBe(false);
    expect(await numbers()).toEqual([3]);
  });

  it('at most so many, the oldest first, and says whether more are to go', async () => {
    await writeEvents(44, 43, 42, 41, 40, 0);
    expect(await deleteBatch(2)).toBe(true);
    expect(await numbers()).toEqual([3, 4, 5, 6]);
    expect(await deleteBatch(2)).toBe(true);
    expect(await deleteBatch(2)).toBe(false);
    expect(await numbers()).toEqual([6]);
  });

  it('also where there are none', async () => {
    expect(await deleteBatch(100)).toBe(false);
  });
});

it('deletes idempotency keys of over a day ago, in batches too', async () => {
  await sql.query(
    `INSERT INTO idempotency_key (actor, key, request_hash, status, answer, created_at)
     SELECT 'test', hours::text, 'hash', 201, '{}', now() - hours * interval '1 hour'
     FROM unnest(ARRAY[50, 40, 25, 23, 0]) AS hours`,
  );
  const keys = async () =>
    (await sql.query<{ key: string }>('SELECT key FROM idempotency_key ORDER BY created_at')).map(
      ({ key }) => key,
    );
  expect(await deleteBatch(2)).toBe(true);
  expect(await keys()).toEqual(['25', '23', '0']);
  expect(await deleteBatch(2)).toBe(false);
  expect(await keys()).toEqual(['23', '0']);
});
