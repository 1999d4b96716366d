import pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import { type AttemptId, qualify, stagingPrefix, tokenOf } from './names.ts';
import { inTransaction } from './platform.ts';

type Queries = Pick<pg.Pool | pg.PoolClient, 'query'>;

/** Raises the fence of a job run; false when a higher token is there already. */
export async function raiseFence(client: Queries, { jobRunId, token }: AttemptId): Promise<boolean> {
  const { rowCount } = await client.query(
    `insert into graphrun.fence as fence (job_run, token) values ($1, $2)
     on conflict (job_run) do update set token = excluded.token, raised_at = now() where fence.token <= excluded.token`,
    [jobRunId, token],
  );
  return rowCount === 1;
}

/** Locks the fence until the transaction ends, so that no one raises it in between; then checks it. */
export async function lockFence(client: pg.PoolClient, id: AttemptId): Promise<void> {
  await client.query('select from graphrun.fence where job_run = $1 for update', [id.jobRunId]);
  await checkFence(client, id);
}

/** @throws CodedError SUPERSEDED when a newer attempt has the fence. */
export async function checkFence(client: Queries, id: AttemptId): Promise<void> {
  const { rows } = await client.query<{ token: string }>(
    'select token from graphrun.fence where job_run = $1',
    [id.jobRunId],
  );
  if (rows[0] === undefined || BigInt(rows[0].token) !== id.token) throw superseded(id);
}

export function superseded({ jobRunId, token }: AttemptId): CodedError {
  const message = `a newer attempt of job run ${jobRunId} has taken over (this one had token ${token}); nothing was published`;
  return new CodedError('SUPERSEDED', message);
}

/** What was published for a job run in an epoch; null before it was. */
export async function findPublished(
  client: Queries,
  jobRunId: string,
  epoch: number,
): Promise<{ output: unknown } | null> {
  const { rows } = await client.query<{ output: string }>(
    'select output from graphrun.published where job_run = $1 and epoch = $2',
    [jobRunId, epoch],
  );
  return rows[0] ? { output: JSON.parse(rows[0].output) } : null;
}

/**
 * Ends the sessions and drops the staging tables that attempts with a lower token have left. A table that is still
 * locked stays; the next attempt or the end of the job run meets it again.
 */
export async function clearStaging(pool: pg.Pool, { jobRunId, token }: AttemptId): Promise<void> {
  const prefix = stagingPrefix(jobRunId);
  const sessions = await pool.query<{ pid: number; name: string }>(
    'select pid, application_name as name from pg_catalog.pg_stat_activity where starts_with(application_name, $1)',
    [prefix],
  );
  const pids = sessions.rows.filter(({ name }) => (tokenOf(name) ?? token) < token).map(({ pid }) => pid);
  if (pids.length > 0)
    await pool.query('select pg_terminate_backend(pid, 2000) from unnest($1::int[]) pid', [pids]);
  const { rows } = await pool.query<{ schema: string; name: string }>(
    `select nspname as schema, relname as name from pg_catalog.pg_class c join pg_catalog.pg_namespace n
       on n.oid = relnamespace where starts_with(relname, $1) and relkind = 'r' and nspname like '%$staging'`,
    [prefix],
  );
  for (const { schema, name } of rows) {
    if ((tokenOf(name) ?? token) < token) await dropStaging(pool, qualify(schema, name));
  }
}

/** Waits for a backend that is still ending; a table that is locked for longer stays. */
export async function dropStaging(pool: pg.Pool, table: string): Promise<void> {
  try {
    await inTransaction(pool, async (client) => {
      await client.query(`set local lock_timeout = '2s'`);
      await client.query(`drop table if exists ${table}`);
    });
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== '55P03') throw error;
  }
}
