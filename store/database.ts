import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { translateDatabaseError } from './database-errors.ts';
import { PrismaClient } from './generated/client.ts';
import { type Granted, takeGranted } from './granted.ts';

export interface Database {
  /** For what is asked row by row. */
  readonly prisma: PrismaClient;
  /** For statements over arrays and for row locks: the same connections. */
  readonly pool: pg.Pool;
  /** Runs `work` in one transaction; one that lost a deadlock or a serialization race runs again. */
  transaction<Result>(work: (client: pg.PoolClient) => Promise<Result>): Promise<Result>;
  /** Runs reads that must agree with each other: all of them see the rows of one moment. */
  snapshot<Result>(read: (client: pg.PoolClient) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

const raceRetriesMax = 5;
/** A statement that is blocked must not hold up the one writer of its process: it fails, and is tried again. */
const lockTimeoutMs = 5_000;
/**
 * A process that stands still in the middle of a transaction holds its locks, and the feed's counter among them holds up
 * everybody: the server ends it, sooner than a waiter gives up.
 */
const idleInTransactionMs = 3_000;
/** For a server that has gone without a word. */
const queryTimeoutMs = 60_000;

/** @param onGranted hears of what a transaction has let go on, once it is committed */
export function openDatabase(
  databaseUrl: string,
  poolSize: number,
  onGranted: (granted: Granted) => void = () => {},
): Database {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: poolSize,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    application_name: 'graphrun',
    keepAlive: true,
    query_timeout: queryTimeoutMs,
    options: `-c lock_timeout=${lockTimeoutMs} -c idle_in_transaction_session_timeout=${idleInTransactionMs}`,
  });
  // A connection that breaks while idle is replaced at its next use; unheard, the event would end the process.
  pool.on('error', () => {});
  // While one is in use, its query tells of the end; the event would end the process all the same.
  pool.on('connect', (client) => client.on('error', () => {}));
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  return {
    prisma,
    pool,
    transaction: (work) => transact(pool, 'BEGIN', work, onGranted),
    snapshot: (read) => transact(pool, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', read),
    close: async () => {
      await prisma.$disconnect();
      await pool.end();
    },
  };
}

async function transact<Result>(
  pool: pg.Pool,
  begin: string,
  work: (client: pg.PoolClient) => Promise<Result>,
  onGranted: (granted: Granted) => void = () => {},
): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await transactOnce(pool, begin, work, onGranted);
    } catch (error) {
      if (!isRace(error) || tries >= raceRetriesMax) throw translateDatabaseError(error);
    }
  }
}

async function transactOnce<Result>(
  pool: pg.Pool,
  begin: string,
  work: (client: pg.PoolClient) => Promise<Result>,
  onGranted: (granted: Granted) => void,
): Promise<Result> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query(begin);
    const result = await work(client);
    await client.query('COMMIT');
    const granted = takeGranted(client);
    if (granted) onGranted(granted);
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((failure: Error) => {
      broken = failure;
    });
    throw error;
  } finally {
    takeGranted(client);
    client.release(broken);
  }
}

function isRace(error: unknown): boolean {
  return error instanceof pg.DatabaseError && (error.code === '40001' || error.code === '40P01');
}
