import { randomUUID } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import {
  ColumnTypeEnum,
  DriverAdapterError,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import pg from 'pg';
import { onServer } from './databases.ts';

const charType = pg.types.builtins.CHAR;

type Adapter = Awaited<ReturnType<PrismaPg['connect']>>;

export interface MigrationAdapter {
  readonly factory: SqlMigrationAwareDriverAdapterFactory;
  /** Closes what the engine opened: it leaves its connections, and with them Prisma's own lock, to time out. */
  close(): Promise<void>;
}

/**
 * Prisma's adapter for Postgres, changed where it fails migrations: one is sent whole, as the `prisma migrate` program
 * does (the adapter cuts it at every semicolon, so that function bodies break and half of a failed migration stays); a
 * shadow database is reached by its own URL (the adapter would use the original database again); and the catalogs'
 * columns of type "char" are read.
 */
export function migrationAdapter(databaseUrl: string): MigrationAdapter {
  const original = new PrismaPg({ connectionString: databaseUrl });
  const closers: (() => Promise<void>)[] = [];
  const open = async (factory: PrismaPg, after: () => Promise<void>) => {
    const adapter = withWholeScripts(await factory.connect());
    const dispose = adapter.dispose.bind(adapter);
    let closing: Promise<void> | undefined;
    adapter.dispose = () => {
      closing ??= dispose().then(after);
      return closing;
    };
    closers.push(adapter.dispose);
    return adapter;
  };
  const connectToShadowDb = async () => {
    const shadow = await createShadow(databaseUrl);
    return await open(new PrismaPg({ connectionString: shadow.url }), shadow.drop);
  };
  const { provider, adapterName } = original;
  return {
    factory: { provider, adapterName, connect: () => open(original, async () => {}), connectToShadowDb },
    close: async () => {
      for (const close of closers) await close();
    },
  };
}

async function createShadow(databaseUrl: string): Promise<{ url: string; drop: () => Promise<void> }> {
  const name = `graphrun_shadow_${randomUUID().replaceAll('-', '')}`;
  await onServer(databaseUrl, (client) => client.query(`CREATE DATABASE "${name}"`));
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  const drop = async () => {
    await onServer(databaseUrl, (client) => client.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`));
  };
  return { url: url.toString(), drop };
}

function withWholeScripts(adapter: Adapter): Adapter {
  const pool = adapter.underlyingDriver();
  readCatalogChars(adapter, pool);
  adapter.executeScript = async (script) => {
    try {
      // Without parameters: the simple protocol, all statements in one transaction.
      await pool.query(script);
    } catch (error) {
      throw error instanceof pg.DatabaseError ? scriptError(script, error) : error;
    }
  };
  return adapter;
}

function readCatalogChars(adapter: Adapter, pool: pg.Pool): void {
  const { query } = pool;
  const queryRaw = adapter.queryRaw.bind(adapter);
  const charColumns = new WeakMap<object, number[]>();
  const queryNotingChars = async (...args: unknown[]) => {
    const result: pg.QueryResult<object> = await Reflect.apply(query, pool, args);
    const chars = [...(result.fields ?? []).keys()].filter((i) => result.fields[i]?.dataTypeID === charType);
    if (chars.length > 0) charColumns.set(result.rows, chars);
    // The adapter refuses the type; it takes text, with the same values.
    for (const i of chars) Object.assign(result.fields[i] ?? {}, { dataTypeID: pg.types.builtins.TEXT });
    return result;
  };
  Reflect.set(pool, 'query', queryNotingChars);
  adapter.queryRaw = async (sql) => {
    const result = await queryRaw(sql);
    for (const i of charColumns.get(result.rows) ?? []) result.columnTypes[i] = ColumnTypeEnum.Character;
    return result;
  };
}

function scriptError(script: string, error: pg.DatabaseError): DriverAdapterError {
  const line = error.position && script.slice(0, Number(error.position) - 1).split('\n').length;
  return new DriverAdapterError({
    kind: 'postgres',
    code: error.code ?? 'unknown',
    severity: error.severity ?? 'ERROR',
    message: line ? `${error.message} (line ${line} of the script)` : error.message,
    detail: error.detail,
    column: error.column,
    hint: error.hint,
  });
}
