import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ensureDatabase, onServer, withClient } from '../../dev/databases.ts';
import { describeMigrations, migrate, migrationNames } from '../../dev/migrate.ts';
import { migrationDiff } from '../../dev/migration-diff.ts';
import { useDatabases } from '../support/databases.ts';
import { useFolder } from './folders.ts';

const { databaseUrl, warehouseUrl } = await useDatabases();
const folder = useFolder();
const withBody = `
-- A comment; with a semicolon.
CREATE TABLE a (id bigint PRIMARY KEY);
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END; $$;`;

test('migrations are applied once, function bodies whole, also by two processes at once', async () => {
  const dir = writeMigrations('good', { '1_first': withBody, '2_second': 'CREATE TABLE b (id bigint);' });
  const both = await Promise.all([migrate(warehouseUrl, dir), migrate(warehouseUrl, dir)]);
  expect(both.flat()).toEqual(['1_first', '2_second']);
  expect(await migrate(warehouseUrl, dir)).toEqual([]);
  const { rows } = await withClient(warehouseUrl, (client) =>
    client.query('SELECT migration_name, finished_at IS NOT NULL AS done FROM _prisma_migrations ORDER BY 1'),
  );
  expect(rows).toEqual([
    { migration_name: '1_first', done: true },
    { migration_name: '2_second', done: true },
  ]);
});

test('those that were applied are told on a line', () => {
  expect(describeMigrations(['1_first'])).toBe('1_first');
  expect(describeMigrations(['1_first', '2_second', '3_third'])).toBe('3 migrations, up to 3_third');
});

test('a migration that fails leaves nothing of itself, and its error names it, the line and the reason', async () => {
  const url = new URL(warehouseUrl);
  url.pathname = '/migrate_failing';
  await ensureDatabase(url.toString());
  const dir = writeMigrations('bad', {
    '1_bad': 'CREATE TABLE half (id int);\nCREATE TABLE x (id nonsense);',
  });
  const error = await migrate(url.toString(), dir).catch((thrown: unknown) => String(thrown));
  expect(error).toMatch(/1_bad[\s\S]*type "nonsense" does not exist \(line 2/);
  expect(error).not.toContain(url.password);
  const { rows } = await withClient(url.toString(), (client) =>
    client.query("SELECT to_regclass('half') AS half"),
  );
  expect(rows).toEqual([{ half: null }]);
  await onServer(warehouseUrl, (client) => client.query('DROP DATABASE migrate_failing'));
});

test('the migrations of this checkout lead to its schema, and a migrated database is left as it is', async () => {
  expect(migrationNames()).not.toEqual([]);
  expect(await migrate(databaseUrl)).toEqual([]);
  expect((await migrationDiff(databaseUrl)).trim()).toBe('-- This is an empty migration.');
  const shadows = "SELECT datname FROM pg_database WHERE datname LIKE 'graphrun_shadow_%'";
  expect((await onServer(databaseUrl, (client) => client.query(shadows))).rows).toEqual([]);
});

function writeMigrations(name: string, files: Readonly<Record<string, string>>): string {
  const dir = join(folder, name);
  for (const [migration, sql] of Object.entries(files)) {
    mkdirSync(join(dir, migration), { recursive: true });
    writeFileSync(join(dir, migration, 'migration.sql'), sql);
  }
  return dir;
}
