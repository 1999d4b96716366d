import pg from 'pg';
import { expect, vi } from 'vitest';

/** Runs statements on a connection of its own and gives back rows as arrays of values. */
export async function query(url: string, text: string, values: unknown[] = []): Promise<unknown[][]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<unknown[]>({ text, values, rowMode: 'array' });
    return rows;
  } finally {
    await client.end();
  }
}

/** A connection that stays open, for what holds locks. Its breaking is no error of the test. */
export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** Tables that attempts have left in the staging schemas. */
export function stagingTables(url: string): Promise<unknown[][]> {
  return query(url, `select schemaname, tablename from pg_tables where schemaname like '%$staging'`);
}

/** The database of a URL under another user. */
export function urlAs(url: string, user: string, password: string): string {
  const changed = new URL(url);
  changed.username = encodeURIComponent(user);
  changed.password = encodeURIComponent(password);
  return changed.toString();
}

/** Sessions of the database that run a statement with this text in it now. */
export async function running(url: string, text: string): Promise<number> {
  const rows = await query(
    url,
    `select from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and state = 'active' and strpos(query, $1) > 0`,
    [text],
  );
  return rows.length;
}

/** Resolves once that many sessions run a statement with this text in it. */
export function untilRunning(url: string, text: string, sessions = 1): Promise<void> {
  return vi.waitFor(async () => expect(await running(url, text)).toBe(sessions), {
    timeout: 5_000,
    interval: 10,
  });
}
