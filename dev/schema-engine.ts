import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import type { MigrationList, SchemaEngine } from '@prisma/schema-engine-wasm/schema_engine_bg';
import { migrationAdapter } from './migration-adapter.ts';

/**
 * Gives Prisma's schema engine in its WebAssembly form, the one that `prisma migrate` downloads as a program otherwise.
 * The engine is freed in the end.
 */
export async function withSchemaEngine<T>(
  databaseUrl: string,
  use: (engine: SchemaEngine) => Promise<T>,
): Promise<T> {
  const { SchemaEngine: engines } = await loadEngine();
  const adapter = migrationAdapter(databaseUrl);
  try {
    const factory = bindMigrationAwareSqlAdapterFactory(adapter.factory);
    const engine = await engines.new({ datamodels: undefined }, () => {}, factory);
    try {
      return await use(engine);
    } finally {
      engine.free();
    }
  } catch (error) {
    throw translate(error);
  } finally {
    await adapter.close();
  }
}

export const schemaFilter = { externalTables: [], externalEnums: [] };

/** The migrations of a folder, as the engine takes them. */
export function migrationList(baseDir: string, names: readonly string[]): MigrationList {
  return {
    baseDir,
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
    migrationDirectories: names.map((name) => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: { tag: 'ok', value: readFileSync(join(baseDir, name, 'migration.sql'), 'utf8') },
      },
    })),
    shadowDbInitScript: '',
  };
}

interface EngineModule {
  readonly SchemaEngine: typeof SchemaEngine;
}

// TypeScript declares WebAssembly only together with the browser's names.
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<object>;
  instantiate(
    module: object,
    imports: object,
  ): Promise<{ readonly exports: Readonly<Record<string, unknown>> }>;
};

let loaded: Promise<EngineModule> | undefined;

function loadEngine(): Promise<EngineModule> {
  loaded ??= instantiate();
  return loaded;
}

// Node does not import .wasm files as modules, so what the package's entry point does is done by hand.
async function instantiate(): Promise<EngineModule> {
  const bindings = await import('@prisma/schema-engine-wasm/schema_engine_bg');
  const path = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const wasm = await WebAssembly.compile(readFileSync(path.replace(/\.js$/, '.wasm')));
  const { exports } = await WebAssembly.instantiate(wasm, { './schema_engine_bg.js': { ...bindings } });
  const setWasm: unknown = Reflect.get(bindings, '__wbg_set_wasm');
  const start = exports.__wbindgen_start;
  if (typeof setWasm !== 'function' || typeof start !== 'function') {
    throw new Error(`${path} is not the schema engine that this Graphrun knows; run "npm ci"`);
  }
  // A panic of the engine calls this by its name, then ends the process by an error that says nothing.
  const registry = {
    set_message: (text: string) => process.stderr.write(`Prisma's schema engine: ${text}\n`),
  };
  Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: registry });
  setWasm(exports);
  start();
  return bindings;
}

// What the engine says: a general line, the error itself, then its own call stack with the migration's name in it.
function translate(error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error);
  const [said = message] = message.split(/\n\s*0: /);
  const migration = /migration_name="([^"]+)"/.exec(message)?.[1];
  const reason = said.replace(/^external connector error\n/i, '').trim();
  return new Error(migration === undefined ? reason : `${migration}: ${reason}`, { cause: error });
}
