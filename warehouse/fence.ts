import pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import {
  type AttemptId,
  type FenceRaise,
  qualify,
  stagingPrefix,
  stagingPrefixChars,
  stagingPrefixOf,
  tokenOf,
} from './names.ts';
import { inTransaction } from './platform.ts';

type Queries = Pick<pg.Pool | pg.PoolClient, 'query'>;

/** What a project that was dropped since has left behind, such as a frozen worker, counts as older than all that is. */
const isDropped =
  'exists (select from graphrun.dropped as d where d.project = f.project and d.token >= f.token)';

/** Raises the fence of a job run; false when a higher token is there already, or its project was dropped since. */
export async function raiseFence(client: Queries, id: FenceRaise): Promise<boolean> {
  const { rowCount } = await client.query(
    `insert into graphrun.fence as fence (job_run, project, token)
     select * from (values ($1::uuid, $2::text, $3::bigint)) as f (job_run, project, token) where not ${isDropped}
     on conflict (job_run) do update set token = excluded.token, raised_at = now() where fence.token <= excluded.token`,
    [id.jobRunId, id.project, id.token],
  );
  return rowCount === 1;
}

/** The same for many at once; a fence with a higher token stays as it is. */
export async function raiseFences(pool: pg.Pool, ids: readonly FenceRaise[]): Promise<void> {
  const sorted = [...ids].sort((a, b) => (a.jobRunId < b.jobRunId ? -1 : 1));
  await pool.query(
    `insert into graphrun.fence as fence (job_run, project, token)
     select * from unnest($1::uuid[], $2::text[], $3::bigint[]) as f (job_run, project, token) where not ${isDropped}
     on conflict (job_run) do update set token = excluded.token, raised_at = now() where fence.token < excluded.token`,
    [
      sorted.map(({ jobRunId }) => jobRunId),
      sorted.map(({ project }) => project),
      sorted.map(({ token }) => token),
    ],
  );
}

/** Shuts an attempt out by itself: a publish of its own that is under way ends first, and none begins after. */
export async function closeFence(pool: pg.Pool, { jobRunId, token }: AttemptId): Promise<void> {
  // No other attempt can have the next number of the one sequence without being newer.
  await pool.query('update graphrun.fence set token = token + 1 where job_run = $1 and token = $2', [
    jobRunId,
    token,
  ]);
}

/** Locks the fence until the transaction ends, so that no one raises it in between; then checks it. */
export async function lockFence(client: pg.PoolClient, id: AttemptId): Promise<void> {
  await client.query('select from graphrun.fence where job_run = $1 for update', [id.jobRunId]);
  await checkFence(client, id);
}

/** @throws CodedError SUPERSEDED when a newer attempt has the fence. */
export async function checkFence(client: Queries, id: AttemptId): Promise<void> {
  const { rows } = await client.query<{ token: string }>(
    `select token from graphrun.fence as f where job_run = $1 and not ${isDropped}`,
    [id.jobRunId],
  );
  if (rows[0] === undefined || BigInt(rows[0].token) !== id.token) throw superseded(id);
}

export function superseded({ jobRunId, token }: AttemptId): CodedError {
  const message = `a newer attempt of job run ${jobRunId} has taken over (this one had token ${token}); nothing was published`;
  return new CodedError('SUPERSEDED', message);
}

/** The outputs, as JSON, of what was published for job runs, each in its epoch. Those for which nothing was are left out. */
export async function findPublished(
  client: Queries,
  ids: readonly { readonly jobRunId: string; readonly epoch: number }[],
): Promise<Map<string, string>> {
  const { rows } = await client.query<{ job_run: string; output: string }>(
    `select job_run, output from unnest($1::uuid[], $2::int[]) as of (job_run, epoch)
       join graphrun.published using (job_run, epoch)`,
    [ids.map(({ jobRunId }) => jobRunId), ids.map(({ epoch }) => epoch)],
  );
  return new Map(rows.map((row) => [row.job_run, row.output]));
}

/**
 * Ends the sessions and drops the staging tables that attempts with lower tokens have left. A table that is still
 * locked stays; the next attempt or the end of the job run meets it again.
 */
export async function clearStaging(pool: pg.Pool, ids: readonly AttemptId[]): Promise<void> {
  const tokens = new Map(ids.map(({ jobRunId, token }) => [stagingPrefix(jobRunId), token]));
  const prefixes = [...tokens.keys()];
  const isLeft = (name: string): boolean => {
    const token = tokens.get(stagingPrefixOf(name));
    return token !== undefined && (tokenOf(name) ?? token) < token;
  };
  const sessions = await pool.query<{ pid: number; name: string }>(
    `select pid, application_name as name from pg_catalog.pg_stat_activity
     where left(application_name, ${stagingPrefixChars}) = any ($1::text[])`,
    [prefixes],
  );
  const pids = sessions.rows.filter(({ name }) => isLeft(name)).map(({ pid }) => pid);
  if (pids.length > 0)
    await pool.query('select pg_terminate_backend(pid, 2000) from unnest($1::int[]) pid', [pids]);
  const { rows } = await pool.query<{ schema: string; name: string }>(
    `select nspname as schema, relname as name from pg_catalog.pg_class c join pg_catalog.pg_namespace n
       on n.oid = relnamespace
     where left(relname, ${stagingPrefixChars}) = any ($1::text[]) and relkind = 'r' and nspname like '%$staging'`,
    [prefixes],
  );
  for (const { schema, name } of rows) if (isLeft(name)) await dropStaging(pool, qualify(schema, name));
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
