import type pg from 'pg';
import type { Column, Staging } from './attempt-warehouse.ts';
import { qualify, quote } from './names.ts';
import type { Session } from './session.ts';
import { toSqlError } from './sql-errors.ts';
import { orUnavailable } from './unavailable.ts';

export interface StagingOptions {
  readonly dataset: string;
  readonly schema: string;
  readonly name: string;
  /** The attempt's connection; opened when it is first needed. */
  readonly session: () => Promise<Session>;
  /** Closes the connection: what a user's query has set on it must not reach what comes after. */
  readonly discardSession: () => Promise<void>;
  readonly pool: pg.Pool;
}

export function createStaging(options: StagingOptions): Staging {
  const { dataset, schema, name, session, discardSession, pool } = options;
  const table = qualify(schema, name);
  return {
    dataset,
    table,

    async createAs(sql, written) {
      // In parentheses only a query parses: no second statement, no WITH NO DATA, no EXECUTE. The line breaks keep the
      // user's columns as they are and end a comment on the last line.
      const ran = { before: `create table ${table} as (\n`, sql, after: '\n)', written };
      const opened = await session();
      try {
        const { rowCount } = await opened.run(ran.before + ran.sql + ran.after);
        return rowCount ?? 0;
      } catch (error) {
        throw toSqlError(error, ran);
      } finally {
        await discardSession();
      }
    },

    async create(columns) {
      const list = columns.map(({ name: column, type }) => `${quote(column)} ${type}`).join(', ');
      await (await session()).run(`create table ${table} (${list})`);
    },

    async copyFrom(csv, columns) {
      const opened = await session();
      const list = columns.map(quote).join(', ');
      return opened.copy(`copy ${table} (${list}) from stdin with (format csv, encoding 'UTF8')`, csv);
    },

    async query<Row extends Record<string, unknown>>(sql: string, values: readonly unknown[] = []) {
      const { rows } = await (await session()).run<Row>(sql, values);
      return rows;
    },

    columns: () => orUnavailable(() => columnsOf(pool, schema, name)),
  };
}

/** The columns of a table in their order; none when there is no such table. */
export async function columnsOf(
  client: Pick<pg.Pool | pg.PoolClient, 'query'>,
  schema: string,
  table: string,
): Promise<Column[]> {
  const { rows } = await client.query<Column>(
    `select attname as name, pg_catalog.format_type(atttypid, atttypmod) as type
     from pg_catalog.pg_attribute
       join pg_catalog.pg_class c on c.oid = attrelid join pg_catalog.pg_namespace n on n.oid = relnamespace
     where nspname = $1 and relname = $2 and attnum > 0 and not attisdropped order by attnum`,
    [schema, table],
  );
  return rows.map(({ name, type }) => ({ name, type }));
}
