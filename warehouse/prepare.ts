import pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import { quote } from './names.ts';
import { inTransaction, type Platform, retrySetup } from './platform.ts';

/** What could not be made as closed as it should be; for the log. */
export interface Prepared {
  readonly warnings: readonly string[];
}

const versionMin = 160_000;

const tables = `
  create schema if not exists graphrun;
  revoke all on schema graphrun from public;
  create table if not exists graphrun.project (name text primary key, created_at timestamptz not null default now());
  create table if not exists graphrun.dropped (
    project text primary key, token bigint not null, dropped_at timestamptz not null default now());
  create table if not exists graphrun.fence (
    job_run uuid primary key, project text, token bigint not null, raised_at timestamptz not null default now());
  create table if not exists graphrun.published (
    job_run uuid, epoch int, token bigint not null, output text not null,
    published_at timestamptz not null default now(), primary key (job_run, epoch));
  do $$ begin
    if not exists (select from pg_catalog.pg_attribute
                   where attrelid = 'graphrun.fence'::regclass and attname = 'project' and not attisdropped) then
      alter table graphrun.fence add column project text;
    end if;
  end $$`;

/** Makes the tables of the platform, or brings them up to date. */
export async function makeTables(pool: pg.Pool): Promise<void> {
  await retrySetup(() => inTransaction(pool, (client) => client.query(tables)));
}

/** Large objects outlive their query and belong to no schema, so nothing would ever clean them up. */
const closeLargeObjects = `
  revoke execute on function
    pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid), pg_catalog.lo_from_bytea(oid, bytea) from public`;

/** Makes what the warehouse needs beside the projects. May run at any time, by several processes at once. */
export async function prepare(platform: Platform): Promise<Prepared> {
  const { pool } = platform;
  await checkServer(pool);
  await makeTables(pool);
  return retrySetup(async () => {
    const warnings = await inTransaction(pool, closeOwnDatabase);
    return { warnings: [...warnings, ...(await closeOtherDatabases(pool))] };
  });
}

/** What the kinds build on: pg_input_is_valid (16), and any character in a text. */
async function checkServer(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ version: string; number: number; encoding: string }>(
    `select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
       current_setting('server_encoding') as encoding`,
  );
  const [server] = rows;
  if (!server || (server.number >= versionMin && server.encoding === 'UTF8')) return;
  const message = `WAREHOUSE_URL: expected Postgres 16 or later and a database in UTF8; it is ${server.version}, in ${server.encoding}`;
  throw new CodedError('CONFIG_INVALID', message);
}

async function closeOwnDatabase(client: pg.PoolClient): Promise<string[]> {
  await client.query('lock table graphrun.project in exclusive mode');
  const { rows } = await client.query<{
    name: string;
    is_super: boolean;
    is_open: boolean;
    is_public_open: boolean;
    has_large_objects: boolean;
  }>(`
    select current_database() as name,
      (select rolsuper from pg_catalog.pg_roles where rolname = current_user) as is_super,
      has_database_privilege('public', current_database(), 'CONNECT, TEMPORARY') as is_open,
      coalesce(has_schema_privilege('public', to_regnamespace('public')::oid, 'USAGE, CREATE'), false) as is_public_open,
      has_function_privilege('public', 'pg_catalog.lo_create(oid)', 'EXECUTE') as has_large_objects`);
  const [found] = rows;
  if (!found) throw new Error('the warehouse did not tell its name');
  if (found.is_open)
    await client.query(`revoke connect, temporary on database ${quote(found.name)} from public`);
  if (found.is_public_open) await client.query('revoke all on schema public from public');
  if (!found.is_super) {
    return [
      'The warehouse user is not a superuser: large objects and temporary files of SQL jobs are not limited.',
    ];
  }
  if (found.has_large_objects) await client.query(closeLargeObjects);
  return [];
}

/**
 * A project's role could connect to any database of the server that is open to PUBLIC, above all to the metadata; so
 * they are closed where that is ours to do.
 */
async function closeOtherDatabases(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<{ name: string; may_close: boolean }>(`
    select datname as name,
      pg_has_role(datdba, 'USAGE') as may_close
    from pg_catalog.pg_database
    where datallowconn and datname <> current_database()
      and has_database_privilege('public', oid, 'CONNECT, TEMPORARY')
    order by datname`);
  const warnings: string[] = [];
  for (const { name, may_close } of rows) {
    const revoke = `REVOKE CONNECT, TEMPORARY ON DATABASE ${quote(name)} FROM PUBLIC`;
    if (!may_close) {
      warnings.push(`SQL jobs may connect to the database "${name}"; its owner can close it: ${revoke}`);
      continue;
    }
    await pool.query(revoke).catch((error: unknown) => {
      if (!isGone(error)) throw error;
    });
  }
  return warnings;
}

/** Another process dropped the database meanwhile. */
function isGone(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '3D000';
}
