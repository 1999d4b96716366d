import { afterAll, expect, it } from 'vitest';
import { createStore } from '../../store/index.ts';
import { createHousekeeping } from '../../watch/housekeeping.ts';
import { useDatabases } from '../support/databases.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
afterAll(() => store.close());
const sql = await useSql(databaseUrl);
const starter = { removeSchedule: () => Promise.reject(new Error('not asked')) };
const noWarehouse = { dropProject: () => Promise.reject(new Error('not asked')) };

async function writeOldEvents(count: number): Promise<void> {
  await sql.query(
    `INSERT INTO event (number, at, type, project, actor)
     SELECT coalesce((SELECT max(number) FROM event), 0) + place, now() - interval '1 year', 'project', 'p', 'test'
     FROM generate_series(1, $1::int) AS place`,
    [count],
  );
}

async function events(): Promise<number> {
  const rows = await sql.query<{ count: number }>('SELECT count(*)::int AS count FROM event');
  return rows[0]?.count ?? 0;
}

const swept = () =>
  until(async () => ((await events()) === 1 ? true : undefined), 'all but the newest are gone');

it('sweeps batch after batch until nothing is left to do, and no sooner again than after its time', async () => {
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const options = { store, warehouse: noWarehouse, starter, onError };
  const housekeeping = createHousekeeping(options);
  await writeOldEvents(12_000);
  housekeeping.tend();
  housekeeping.tend();
  await swept();
  await writeOldEvents(1);
  housekeeping.tend();
  await housekeeping.stop();
  expect(await events()).toBe(2);
  housekeeping.tend();
  await housekeeping.stop();

  const next = createHousekeeping({ ...options, sweepEveryMs: 0 });
  next.tend();
  await swept();
  await next.stop();
  expect(errors).toEqual([]);
});

it('tells of an error, and goes on at the next turn', async () => {
  const errors: unknown[] = [];
  let tries = 0;
  const housekeeping = createHousekeeping({
    store: {
      ...store,
      housekeeping: {
        deleteBatch: async (rows) => {
          tries += 1;
          if (tries === 1) throw new Error('away');
          return store.housekeeping.deleteBatch(rows);
        },
      },
    },
    warehouse: noWarehouse,
    starter,
    onError: (error) => errors.push(error),
    sweepEveryMs: 0,
  });
  await writeOldEvents(1);
  await until(() => {
    housekeeping.tend();
    return tries > 1 ? true : undefined;
  }, 'it tries again');
  await swept();
  await housekeeping.stop();
  expect(errors).toMatchObject([{ message: 'away' }]);
});
