import { randomInt, randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import type { EventView } from '../../graph/resources.ts';
import { insertEvents, type NewEvent } from '../../store/events.ts';
import { createStore } from '../../store/index.ts';
import { useDatabases } from '../support/databases.ts';
import { useSql } from '../support/sql.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
const pool = new pg.Pool({ connectionString: databaseUrl, max: 8 });
// Its connections may still be closing when the database is dropped.
pool.on('connect', (client) => client.on('error', () => {}));
pool.on('error', () => {});
afterAll(() => Promise.all([store.close(), pool.end()]));
const sql = await useSql(databaseUrl);
const { list } = store.events;

const event = (project: string, more: Partial<NewEvent> = {}): NewEvent => ({
  type: 'project',
  project,
  actor: 'test',
  ...more,
});

async function write(events: readonly NewEvent[], end: 'COMMIT' | 'ROLLBACK' = 'COMMIT'): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await insertEvents(client, events);
    await client.query(end);
  } finally {
    client.release();
  }
}

const numbersOf = (items: readonly EventView[]) => items.map(({ number }) => number);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const head = async () => (await list({ after: 'latest', limit: 1 })).readTo;

/** Polls as a caller does, until `isDone` says that the writers are, and all is read. */
async function poll(after: number, isDone: () => boolean, filter: { project?: string } = {}) {
  const seen: EventView[] = [];
  for (let from = after; ; ) {
    const wasDone = isDone();
    const page = await list({ after: from, limit: 7, ...filter });
    seen.push(...page.items);
    from = page.readTo;
    if (wasDone && page.nextCursor === null) return seen;
  }
}

describe('a reader that polls the feed', () => {
  it('sees every number once and none too late, however many write, also in transactions that end otherwise', async () => {
    const before = await head();
    let isDone = false;
    const readers = [poll(before, () => isDone), poll(before, () => isDone, { project: 'odd' })];
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let round = 0; round < 40; round += 1) {
        const events = Array.from({ length: randomInt(1, 5) }, () => event(writer % 2 ? 'odd' : 'even'));
        await write(events, randomInt(5) === 0 ? 'ROLLBACK' : 'COMMIT');
      }
    });
    await Promise.all(writers);
    isDone = true;
    const [all = [], odd = []] = await Promise.all(readers);
    expect(all.length).toBeGreaterThan(300);
    expect(numbersOf(all)).toEqual(range(before + 1, await head()));
    expect(odd).toEqual(all.filter(({ project }) => project === 'odd'));
  });

  it('goes on behind what a filter leaves out', async () => {
    const before = await head();
    const graphRunId = randomUUID();
    const mine = event('mine', { type: 'graph_run', graphRunId, state: 'PENDING', epoch: 1 });
    await write([event('other'), mine, event('mine'), event('other')]);
    const ofRun = await list({ after: before, limit: 10, graphRun: graphRunId });
    expect(ofRun).toMatchObject({ items: [{ number: before + 2 }], nextCursor: null, readTo: before + 4 });
    const page = await list({ after: before, limit: 1, project: 'mine' });
    expect(page).toMatchObject({
      items: [{ number: before + 2, graphRunId, state: 'PENDING', reason: null }],
      nextCursor: String(before + 2),
      readTo: before + 2,
    });
    const rest = await list({ after: page.readTo, limit: 1, project: 'mine' });
    expect(rest).toMatchObject({ items: [{ number: before + 3 }], nextCursor: null, readTo: before + 4 });
    expect(await list({ after: before, limit: 10, project: 'nobody' })).toEqual({
      items: [],
      nextCursor: null,
      readTo: before + 4,
    });
  });

  it('is told when events before those that are kept are missing, and begins with the oldest at 0', async () => {
    await write([event('old'), event('old'), event('kept')]);
    const oldest = await head();
    await sql.query('DELETE FROM event WHERE number < $1', [oldest]);
    expect(numbersOf((await list({ after: 0, limit: 1 })).items)).toEqual([oldest]);
    expect(numbersOf((await list({ after: oldest - 1, limit: 1 })).items)).toEqual([oldest]);
    await expect(list({ after: oldest - 2, limit: 1 })).rejects.toMatchObject({
      code: 'EVENTS_EXPIRED',
      message: expect.stringContaining(`the oldest is ${oldest}.`),
      data: { oldest },
    });
  });

  it('is told of a number that the feed never gave', async () => {
    const last = await head();
    expect(await list({ after: last, limit: 1 })).toMatchObject({ items: [], readTo: last });
    await expect(list({ after: last + 1, limit: 1 })).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
  });
});
