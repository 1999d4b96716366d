import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { withClient } from './databases.ts';
import { checkout } from './home.ts';
import { hasCode } from './processes.ts';
import { migrationList, schemaFilter, withSchemaEngine } from './schema-engine.ts';

export const migrationsDir = join(checkout, 'prisma', 'migrations');

// Any number will do that nothing else locks in this database; Prisma's own is 72707369.
const lockKey = 4_400_731;
const lockTimeoutMs = 120_000;

/**
 * Applies the migrations that a database lacks, in their order, and writes `_prisma_migrations` as
 * `prisma migrate deploy` does, so that either can go on where the other stopped. Two at once are safe: one waits.
 * @returns the names of the applied ones, none when the database is up to date.
 */
export async function migrate(databaseUrl: string, dir = migrationsDir): Promise<string[]> {
  const names = migrationNames(dir);
  if (names.length === 0) return [];
  return await withClient(databaseUrl, async (client) => {
    await lock((text) => client.query(text), databaseUrl);
    const list = migrationList(dir, names);
    try {
      const output = await withSchemaEngine(databaseUrl, (engine) =>
        engine.applyMigrations({ migrationsList: list, filters: schemaFilter }),
      );
      return output.appliedMigrationNames;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(
        `The migrations of ${dir} could not be applied to ${withoutPassword(databaseUrl)}: ${reason}`,
        {
          cause,
        },
      );
    }
    // The lock ends with the connection.
  });
}

/** Short enough for a line: a new database gets all that there are. */
export function describeMigrations(applied: readonly string[]): string {
  const last = applied.at(-1) ?? 'none';
  return applied.length > 1 ? `${applied.length} migrations, up to ${last}` : last;
}

/** The migrations of a folder in their order: the folders in it that hold a migration.sql. */
export function migrationNames(dir = migrationsDir): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir)
    .filter((name) => existsSync(join(dir, name, 'migration.sql')))
    .sort();
}

async function lock(query: (text: string) => Promise<unknown>, databaseUrl: string): Promise<void> {
  try {
    await query(`SET lock_timeout = ${lockTimeoutMs}`);
    await query(`SELECT pg_advisory_lock(${lockKey})`);
  } catch (cause) {
    if (!hasCode(cause, '55P03')) throw cause;
    throw new Error(
      `Another process has been migrating ${withoutPassword(databaseUrl)} for ${lockTimeoutMs / 1000} s. ` +
        'Wait for it, or end its connection, and start again.',
      { cause },
    );
  }
}

function withoutPassword(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.password = '';
  return url.toString();
}
