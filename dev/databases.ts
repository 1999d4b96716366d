import pg from 'pg';
import { hasCode } from './processes.ts';

/**
 * Makes the database that a URL names, if it is missing, through the server's database `postgres`.
 * @returns whether it was made.
 * @throws Error that says what to do when this user may not make it.
 */
export async function ensureDatabase(databaseUrl: string): Promise<boolean> {
  if (await exists(databaseUrl)) return false;
  const { host, database } = describe(databaseUrl);
  try {
    await onServer(databaseUrl, async (client) => {
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`);
    });
    return true;
  } catch (cause) {
    // Made by another process in between.
    if (hasCode(cause, '42P04') || hasCode(cause, '23505')) return false;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `The database "${database}" is missing on the Postgres server ${host} and could not be made: ${reason}. ` +
        `Make it by hand (CREATE DATABASE "${database}"), or give a user that may.`,
      { cause },
    );
  }
}

/** Connects to the server's database `postgres` with the URL's user, and closes the connection in the end. */
export async function onServer<T>(databaseUrl: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const url = new URL(databaseUrl);
  url.pathname = '/postgres';
  return await withClient(url.toString(), use);
}

/** Gives a connection for one use. */
export async function withClient<T>(databaseUrl: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 10_000 });
  // A broken connection fails the query under way; without a listener it would end the process as well.
  client.on('error', () => {});
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end();
  }
}

async function exists(databaseUrl: string): Promise<boolean> {
  try {
    return await withClient(databaseUrl, async () => true);
  } catch (cause) {
    if (hasCode(cause, '3D000')) return false;
    const { host, database, user } = describe(databaseUrl);
    const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
    throw new Error(
      `The Postgres server ${host} (database "${database}", user "${user}") does not let us in: ${reason}. ` +
        'Check DATABASE_URL and WAREHOUSE_URL, or leave both out to have a Postgres started.',
      { cause },
    );
  }
}

function describe(databaseUrl: string): { host: string; database: string; user: string } {
  const url = new URL(databaseUrl);
  return {
    host: url.host,
    database: decodeURIComponent(url.pathname.slice(1)),
    user: decodeURIComponent(url.username),
  };
}
