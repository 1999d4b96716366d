import pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import { namesOf, type ProjectNames, qualify, quote } from './names.ts';
import { inTransaction, type Platform, retrySetup } from './platform.ts';
import { rolePassword, scramVerifier } from './scram.ts';

const tempFileLimit = '20GB';
const idleInTransactionMs = 60_000;

export interface ProjectReady extends ProjectNames {
  readonly password: string;
  readonly warnings: readonly string[];
}

/**
 * Makes a project's schemas and role, or brings them up to date. May run in several processes at once.
 * @param token of the attempt that needs them; null for a project that is known to be there
 * @throws CodedError SUPERSEDED when the project was dropped after that attempt began
 */
export async function ensureProject(
  platform: Platform,
  project: string,
  token: bigint | null,
): Promise<ProjectReady> {
  const names = namesOf(project, platform.database);
  const password = rolePassword(platform.password, names.role);
  const warnings = await retrySetup(() =>
    inTransaction(platform.pool, async (client) => {
      await client.query('lock table graphrun.project in exclusive mode');
      if (token !== null) await refuseDropped(client, project, token);
      await ensureRole(client, names.role, scramVerifier(password, names.role));
      const warnings = await setUpRole(client, names);
      await grantSchemas(client, platform.database, names);
      await client.query('insert into graphrun.project (name) values ($1) on conflict do nothing', [project]);
      return warnings;
    }),
  );
  return { ...names, password, warnings };
}

async function refuseDropped(client: pg.PoolClient, project: string, token: bigint): Promise<void> {
  const sql = 'select from graphrun.dropped where project = $1 and token >= $2';
  const { rowCount } = await client.query(sql, [project, token]);
  if (rowCount === 0) return;
  throw new CodedError('SUPERSEDED', `project "${project}" was deleted after this attempt began`);
}

/**
 * Drops a project's schemas, role, data and fences. Sessions of its jobs are ended; attempts with lower tokens are shut out
 * for good. Done twice with one token it changes nothing the second time, whatever was made under the name in between.
 * @throws CodedError DATASET_IN_USE when something outside of the project depends on its tables; nothing is dropped then.
 */
export async function dropProject(platform: Platform, project: string, token: bigint): Promise<void> {
  const { schema, stagingSchema, role } = namesOf(project, platform.database);
  await inTransaction(platform.pool, async (client) => {
    await client.query(`set local lock_timeout = '5s'`);
    await client.query('lock table graphrun.project in exclusive mode');
    if (!(await markDropped(client, project, token))) return;
    await client.query('delete from graphrun.project where name = $1', [project]);
    await deleteFences(client, project);
    const known = await client.query('select from pg_catalog.pg_roles where rolname = $1', [role]);
    await client.query(
      'select pg_terminate_backend(pid) from pg_catalog.pg_stat_activity where usename = $1',
      [role],
    );
    await dropTables(client, project, [schema, stagingSchema]);
    await client.query(`drop schema if exists ${quote(schema)}, ${quote(stagingSchema)}`);
    if (known.rowCount === 0) return;
    await client.query(`drop owned by ${quote(role)}`);
    await client.query(`drop role ${quote(role)}`);
  });
}

/** False where that was done before. */
async function markDropped(client: pg.PoolClient, project: string, token: bigint): Promise<boolean> {
  const { rowCount } = await client.query(
    `insert into graphrun.dropped as d (project, token) values ($1, $2)
     on conflict (project) do update set token = excluded.token, dropped_at = now() where d.token < excluded.token`,
    [project, token],
  );
  return rowCount === 1;
}

async function deleteFences(client: pg.PoolClient, project: string): Promise<void> {
  await client.query(
    `delete from graphrun.published as p using graphrun.fence as f where f.job_run = p.job_run and f.project = $1`,
    [project],
  );
  await client.query('delete from graphrun.fence where project = $1', [project]);
}

async function dropTables(client: pg.PoolClient, project: string, schemas: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ schema: string; name: string }>(
    'select schemaname as schema, tablename as name from pg_catalog.pg_tables where schemaname = any($1)',
    [schemas],
  );
  if (rows.length === 0) return;
  const tables = rows.map(({ schema, name }) => qualify(schema, name)).join(', ');
  await client.query(`drop table ${tables}`).catch((error: unknown) => {
    if (!(error instanceof pg.DatabaseError) || error.code !== '2BP01') throw error;
    const message = `the tables of project "${project}" are in use: ${error.detail ?? error.message}; drop what uses them first`;
    throw new CodedError('DATASET_IN_USE', message, { cause: error });
  });
}

async function ensureRole(client: pg.PoolClient, role: string, verifier: string): Promise<void> {
  const { rows } = await client.query<{ is_strong: boolean; is_super: boolean; is_member: boolean }>(
    `select
       role.rolsuper or role.rolbypassrls or role.rolcreaterole or role.rolcreatedb or role.rolreplication
         or exists (select from pg_catalog.pg_auth_members where member = role.oid) as is_strong,
       me.rolsuper as is_super, pg_has_role(role.oid, 'USAGE') as is_member
     from pg_catalog.pg_roles role, pg_catalog.pg_roles me where role.rolname = $1 and me.rolname = current_user`,
    [role],
  );
  const [found] = rows;
  if (found?.is_strong) {
    const message = `the role "${role}" has rights beyond those of a project, so no job may use it; drop it or take them away`;
    throw new CodedError('CONFIG_INVALID', message);
  }
  await client.query(
    `${found ? 'alter' : 'create'} role ${quote(role)} login noinherit password ${pg.escapeLiteral(verifier)}`,
  );
  // A superuser may do all that an owner may; others must be members to take over what the role has made.
  if (!found?.is_member)
    await client.query(`grant ${quote(role)} to current_user with inherit true, set true`);
}

/** Settings that a superuser alone may make, or that some systems lack, are left out with a warning. */
async function setUpRole(client: pg.PoolClient, { role, schema }: ProjectNames): Promise<string[]> {
  const { rows } = await client.query<{ ms: number }>(
    `select setting::int as ms from pg_catalog.pg_settings where name = 'deadlock_timeout'`,
  );
  // Half: a wait ends before it could be taken for a deadlock, which would cost the platform's publish.
  const lockTimeoutMs = Math.max(1, Math.floor((rows[0]?.ms ?? 1_000) / 2));
  const needed = [
    `search_path = ${quote(schema)}`,
    `lock_timeout = ${lockTimeoutMs}`,
    `idle_in_transaction_session_timeout = ${idleInTransactionMs}`,
    // What text means must not depend on the server's settings.
    `timezone = 'UTC'`,
    `datestyle = 'ISO, YMD'`,
    `intervalstyle = 'postgres'`,
  ];
  for (const setting of needed) await client.query(`alter role ${quote(role)} set ${setting}`);

  const warnings: string[] = [];
  // The second ends the statement of a worker that died.
  for (const setting of [`temp_file_limit = '${tempFileLimit}'`, `client_connection_check_interval = '5s'`]) {
    await client.query('savepoint setting');
    try {
      await client.query(`alter role ${quote(role)} set ${setting}`);
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || !/^(42501|22023|0A000)$/.test(error.code ?? ''))
        throw error;
      await client.query('rollback to savepoint setting');
      warnings.push(`The role "${role}" has no ${setting}: ${error.message}`);
    }
  }
  return warnings;
}

async function grantSchemas(client: pg.PoolClient, database: string, names: ProjectNames): Promise<void> {
  const { schema, stagingSchema, role } = names;
  await client.query(`create schema if not exists ${quote(schema)}`);
  await client.query(`create schema if not exists ${quote(stagingSchema)}`);
  await client.query(`grant usage on schema ${quote(schema)} to ${quote(role)}`);
  await client.query(`grant usage, create on schema ${quote(stagingSchema)} to ${quote(role)}`);
  const { rows } = await client.query<{ may: boolean }>(
    `select has_database_privilege($1, $2, 'CONNECT') as may`,
    [role, database],
  );
  if (!rows[0]?.may) await client.query(`grant connect on database ${quote(database)} to ${quote(role)}`);
}
