import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { CodedError } from '../graph/errors.ts';

export const connectTimeoutMs = 10_000;
/** A process that stands still in the middle of a publish holds the fence: the server ends its transaction. */
const idleInTransactionMs = 3_000;

/** The platform's own connections to the warehouse, and what it needs to open more. */
export interface Platform {
  readonly pool: pg.Pool;
  readonly url: string;
  readonly database: string;
  /** The password in `url`: the key of the roles' passwords. */
  readonly password: string;
}

/** Opens no connection yet. */
export function openPlatform(url: string, poolSize: number): Platform {
  const { pathname, password } = new URL(url);
  const database = decodeURIComponent(pathname.slice(1));
  if (database === '' || password === '') {
    const missing = database === '' ? 'a database' : 'a password (those of the projects are derived from it)';
    throw new CodedError(
      'CONFIG_INVALID',
      `WAREHOUSE_URL: expected ${missing}: postgres://user:password@host:port/database`,
    );
  }
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: 'graphrun warehouse',
    options: `-c idle_in_transaction_session_timeout=${idleInTransactionMs}`,
  });
  // A connection that breaks while nothing runs on it is replaced by the pool; without listeners it would end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return { pool, url, database, password: decodeURIComponent(password) };
}

/** Runs `work` in one transaction. */
export async function inTransaction<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((rollbackError: Error) => {
      broken = rollbackError;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

/**
 * What two processes that set up the same things at once may meet: the other was first, and a second look finds it.
 * XX000 is among them, since catalog rows (databases, roles) that two sessions change at once have no code of their own.
 */
const setupConflicts = new Set([
  '23505',
  '42710',
  '42P06',
  '42P07',
  '40001',
  '40P01',
  '55P03',
  '55006',
  'XX000',
]);
const setupTries = 20;

/** Runs set-up again when another process did the same at the same time. */
export async function retrySetup<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries >= setupTries || !isSetupConflict(error)) throw error;
      await sleep(Math.random() * 20 * tries);
    }
  }
}

function isSetupConflict(error: unknown): boolean {
  return error instanceof pg.DatabaseError && setupConflicts.has(error.code ?? '');
}
