import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import { findPublished, lockFence } from './fence.ts';
import { type AttemptId, type ProjectNames, qualify, quote } from './names.ts';
import { inTransaction } from './platform.ts';

export interface Publication extends AttemptId {
  readonly names: ProjectNames;
  readonly epoch: number;
  readonly output: unknown;
  readonly staged: readonly { readonly dataset: string; readonly name: string }[];
  readonly signal: AbortSignal;
  /** How long readers of the old tables are waited for. */
  readonly waitMs: number;
}

/** A lock not had in time, or a deadlock: a reader or another publish was in the way. */
const lockConflicts = new Set(['55P03', '40P01', '40001']);
/** Another job run made the same table first. Once is enough to see it; more often something else has its name. */
const nameConflicts = new Set(['42P07', '42710', '23505']);
const nameConflictsMax = 3;
const pauseMs = { first: 50, last: 2_000 };

/**
 * Puts the staged tables in the place of the old ones and records the output, in one transaction, if no newer attempt
 * has taken over. Once done, doing it again changes nothing.
 * @throws CodedError SUPERSEDED, or DATASET_IN_USE when views or other things depend on an old table.
 */
export async function publishStaged(pool: pg.Pool, publication: Publication): Promise<void> {
  const until = performance.now() + publication.waitMs;
  let namesTaken = 0;
  for (let pause = pauseMs.first; ; pause = Math.min(pause * 2, pauseMs.last)) {
    publication.signal.throwIfAborted();
    try {
      await inTransaction(pool, (client) => swap(client, publication));
      return;
    } catch (error) {
      const code = error instanceof pg.DatabaseError ? (error.code ?? '') : '';
      if (nameConflicts.has(code)) namesTaken += 1;
      else if (!lockConflicts.has(code)) throw error;
      if (namesTaken > nameConflictsMax) throw error;
      if (performance.now() >= until) throw await stillInUse(pool, publication, error);
    }
    await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal: publication.signal }).catch(() => {});
  }
}

async function swap(client: pg.PoolClient, publication: Publication): Promise<void> {
  const { jobRunId, epoch, output, names } = publication;
  await lockFence(client, publication);
  // Only this attempt can have written it: the commit's answer was lost.
  if ((await findPublished(client, [publication])).size > 0) return;
  const staged = [...publication.staged].sort((a, b) => (a.dataset < b.dataset ? -1 : 1));
  await setLockTimeout(client, staged.length);
  for (const { dataset, name } of staged) await replaceTable(client, names, dataset, name);
  await client.query(
    'insert into graphrun.published (job_run, epoch, token, output) values ($1, $2, $3, $4)',
    [jobRunId, epoch, publication.token, JSON.stringify(output) ?? 'null'],
  );
}

/**
 * All waits together stay below half of what a project's role waits (projects.ts), so that a user's query which waits
 * for a table taken here, while this waits for one of its own, outlasts the publish, and goes on.
 */
async function setLockTimeout(client: pg.PoolClient, tables: number): Promise<void> {
  await client.query(
    `select set_config('lock_timeout', greatest(1, setting::int / 4 / $1)::text, true)
     from pg_catalog.pg_settings where name = 'deadlock_timeout'`,
    [Math.max(1, tables)],
  );
}

async function replaceTable(
  client: pg.PoolClient,
  names: ProjectNames,
  dataset: string,
  name: string,
): Promise<void> {
  const { schema, stagingSchema, role } = names;
  const table = qualify(schema, dataset);
  const staging = qualify(stagingSchema, name);
  const grants = await dropOldTable(client, schema, dataset);
  await renameIndexes(client, stagingSchema, name);
  await client.query(`alter table ${staging} owner to current_user`);
  await client.query(`alter table ${staging} set schema ${quote(schema)}`);
  await client.query(`alter table ${qualify(schema, name)} rename to ${quote(dataset)}`);
  await client.query(`grant select on table ${table} to ${quote(role)}`);
  for (const { privilege, grantee } of grants) {
    if (grantee === role) continue;
    await client.query(
      `grant ${privilege} on table ${table} to ${grantee === null ? 'public' : quote(grantee)}`,
    );
  }
}

interface Grant {
  readonly privilege: string;
  /** Null is PUBLIC. */
  readonly grantee: string | null;
}

/** Drops the table; gives back who else was allowed what on it, since they are to keep it. */
async function dropOldTable(client: pg.PoolClient, schema: string, dataset: string): Promise<Grant[]> {
  const table = qualify(schema, dataset);
  const { rows } = await client.query<{ kind: string }>(
    `select relkind as kind from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = relnamespace
     where nspname = $1 and relname = $2`,
    [schema, dataset],
  );
  if (rows[0] === undefined) return [];
  if (rows[0].kind !== 'r') {
    throw new CodedError(
      'DATASET_IN_USE',
      `${table} was made by someone else and is no table; rename or drop it`,
    );
  }
  await client.query(`lock table ${table} in access exclusive mode`);
  const { rows: grants } = await client.query<Grant>(
    `select privilege_type as privilege, rolname as grantee
     from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = relnamespace,
       aclexplode(relacl) acl left join pg_catalog.pg_roles r on r.oid = acl.grantee
     where nspname = $1 and relname = $2 and acl.grantee <> relowner`,
    [schema, dataset],
  );
  await client.query(`drop table ${table}`).catch((error: unknown) => {
    if (!(error instanceof pg.DatabaseError) || error.code !== '2BP01') throw error;
    const users = error.detail ?? error.message;
    const message = `the dataset "${dataset}" cannot be replaced while others depend on it: ${users}; drop them, or let them read it by a query`;
    throw new CodedError('DATASET_IN_USE', message, { cause: error });
  });
  return grants;
}

/** A staging table's own name is unlike any other, so its indexes take their names from it. */
async function renameIndexes(client: pg.PoolClient, schema: string, name: string): Promise<void> {
  const { rows } = await client.query<{ index: string }>(
    `select i.relname as index from pg_catalog.pg_index x join pg_catalog.pg_class i on i.oid = x.indexrelid
       join pg_catalog.pg_class c on c.oid = x.indrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relname = $2 order by 1`,
    [schema, name],
  );
  for (const [number, { index }] of rows.entries()) {
    await client.query(`alter index ${qualify(schema, index)} rename to ${quote(`${name}_i${number}`)}`);
  }
}

/** An error of the world: another attempt may find the readers gone. */
async function stillInUse(
  pool: pg.Pool,
  { names, staged, waitMs }: Publication,
  cause: unknown,
): Promise<Error> {
  const { rows } = await pool.query<{ pid: number; user: string; dataset: string }>(
    `select distinct a.pid, a.usename as user, c.relname as dataset
     from pg_catalog.pg_locks l join pg_catalog.pg_class c on c.oid = l.relation
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace join pg_catalog.pg_stat_activity a on a.pid = l.pid
     where l.granted and n.nspname = $1 and c.relname = any($2) order by 1 limit 10`,
    [names.schema, staged.map(({ dataset }) => dataset)],
  );
  const readers = rows.map(({ pid, user, dataset }) => `${dataset} by process ${pid} of ${user}`).join(', ');
  const message = `the old tables could not be replaced within ${waitMs / 1000} s: ${readers || 'they were in use'}`;
  return new Error(message, { cause });
}
