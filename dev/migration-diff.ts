// Prints the SQL that leads from the end state of prisma/migrations (or from nothing, with --from-empty) to
// prisma/schema.prisma: the draft of the next migration. Nothing is changed. Usage: node dev/migration-diff.ts
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { DiffTarget } from '@prisma/schema-engine-wasm/schema_engine_bg';
import { checkout } from './home.ts';
import { migrationNames, migrationsDir } from './migrate.ts';
import { migrationList, schemaFilter, withSchemaEngine } from './schema-engine.ts';
import { withScratchPostgres } from './scratch-postgres.ts';

export interface DiffOptions {
  readonly schemaFile?: string;
  /** null: from nothing. */
  readonly migrations?: string | null;
}

/** The SQL that is missing in the migrations; the engine needs a server for a passing shadow database. */
export async function migrationDiff(databaseUrl: string, options: DiffOptions = {}): Promise<string> {
  const path = options.schemaFile ?? join(checkout, 'prisma', 'schema.prisma');
  const dir = options.migrations === undefined ? migrationsDir : options.migrations;
  const names = dir === null ? [] : migrationNames(dir);
  const from: DiffTarget =
    dir === null || names.length === 0
      ? { tag: 'empty' }
      : { tag: 'migrations', ...migrationList(dir, names) };
  const to: DiffTarget = { tag: 'schemaDatamodel', files: [{ path, content: readFileSync(path, 'utf8') }] };
  const result = await withSchemaEngine(databaseUrl, (engine) =>
    engine.diff({ from, to, script: true, exitCode: null, filters: schemaFilter }),
  );
  return result.stdout ?? '';
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { 'from-empty': { type: 'boolean', default: false } } });
  const options = values['from-empty'] ? { migrations: null } : {};
  const given = process.env.DATABASE_URL;
  const print = async (url: string) => {
    process.stdout.write(await migrationDiff(url, options));
  };
  await (given ? print(given) : withScratchPostgres(print));
}
