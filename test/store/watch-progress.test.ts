import { afterAll, beforeEach, expect, it } from 'vitest';
import { createStore } from '../../store/index.ts';
import type { TurnEnd } from '../../store/watching.ts';
import { useDatabases } from '../support/databases.ts';
import { useSql } from '../support/sql.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
afterAll(() => store.close());
const sql = await useSql(databaseUrl);
const { watch, leases } = store;
const behindAfterMs = 10_000;

beforeEach(async () => {
  await sql.query(
    'UPDATE watch SET listed_until = NULL, watched_until = NULL, is_behind = false, lag_ms = 0',
  );
  await sql.query('DELETE FROM event');
  await leases.hold('watch', 'holder', 60_000);
});

async function row() {
  const [found] = await sql.query<{
    listed_until: Date | null;
    watched_until: Date | null;
    lag_ms: string;
    is_behind: boolean;
  }>('SELECT * FROM watch');
  if (!found) throw new Error('no row');
  return found;
}

const reasons = async () =>
  (await sql.query('SELECT type, project, reason, actor FROM event ORDER BY number')).map(
    ({ type, project, reason, actor }) => [type, project, reason, actor].join(' '),
  );

async function turn(more: Partial<TurnEnd> = {}): Promise<TurnEnd> {
  const { begunAt } = await watch.beginTurn();
  return { begunAt, listedUntil: begunAt, behindAfterMs, lease: 'watch', holder: 'holder', ...more };
}

/** As if nobody had watched for so long. */
const idle = (seconds: number) =>
  sql.query(`UPDATE watch SET watched_until = now() - $1 * interval '1 second'`, [seconds]);

it('a whole turn moves the watch on, and tells nothing while all is well', async () => {
  await watch.noteLag(behindAfterMs);
  const first = await turn();
  await watch.endTurn(first);
  expect(await row()).toMatchObject({ listed_until: first.listedUntil, watched_until: first.begunAt });
  expect((await watch.beginTurn()).listedUntil).toEqual(first.listedUntil);
  await watch.noteLag(behindAfterMs);
  expect(await reasons()).toEqual([]);
});

it('one that falls behind tells so once, and once that it has caught up', async () => {
  await idle(11);
  await watch.noteLag(behindAfterMs);
  await watch.noteLag(behindAfterMs);
  await watch.endTurn(await turn());
  await watch.endTurn(await turn());
  expect(await reasons()).toEqual(['watch  behind watch', 'watch  caught_up watch']);
});

it('a turn that took too long itself is behind', async () => {
  const { begunAt } = await watch.beginTurn();
  await watch.endTurn(await turn({ begunAt: new Date(begunAt.getTime() - 11_000) }));
  expect(await row()).toMatchObject({ is_behind: true });
  expect(await reasons()).toEqual(['watch  behind watch']);
});

it('the lag of a turn is how old what it found may have been', async () => {
  await idle(60);
  await watch.endTurn(await turn());
  expect(Number((await row()).lag_ms)).toBeGreaterThanOrEqual(60_000);
  expect(Number((await row()).lag_ms)).toBeLessThan(70_000);
  await watch.endTurn(await turn());
  expect(Number((await row()).lag_ms)).toBeLessThan(10_000);
});

it('only who holds the lease moves it on', async () => {
  await watch.endTurn(await turn({ holder: 'another' }));
  await sql.query(`UPDATE lease SET expires_at = now() - interval '1 second'`);
  await watch.endTurn(await turn());
  expect(await row()).toMatchObject({ watched_until: null, listed_until: null });
});

it('it never goes back', async () => {
  const late = await turn();
  const early = { ...late, begunAt: new Date(0), listedUntil: new Date(0) };
  await watch.endTurn(late);
  await watch.endTurn(early);
  expect(await row()).toMatchObject({ watched_until: late.begunAt, listed_until: late.listedUntil });
});

it('corrections add up by kind', async () => {
  const none = { started: 0, opened: 0, adopted: 0, ended: 0, stuck: 0, recovered: 0 };
  await watch.countCorrections({ ...none, started: 2, stuck: 1 });
  await watch.countCorrections({ ...none, started: 3, recovered: 1 });
  const [counts] = await sql.query('SELECT started, opened, adopted, ended, stuck, recovered FROM watch');
  expect(counts).toEqual({ started: '5', opened: '0', adopted: '0', ended: '0', stuck: '1', recovered: '1' });
});

it('there is one row, and the watch says so when it is gone', async () => {
  await expect(sql.query('INSERT INTO watch (id) VALUES (2)')).rejects.toThrow('watch_single');
  await sql.query('DELETE FROM watch');
  await expect(watch.beginTurn()).rejects.toThrow('insert one with id 1');
  await sql.query('INSERT INTO watch DEFAULT VALUES');
});
