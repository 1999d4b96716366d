import { execFile } from 'node:child_process';
import { chownSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PostgresPlace } from './postgres-place.ts';

export const superuser = 'postgres';

// Without PG* variables and locales of the user's shell, which initdb and the server would follow.
export const cleanEnv = { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/** Makes the data folder of a place with initdb, unless it is there. */
export async function initData(options: { place: PostgresPlace; password: string }): Promise<void> {
  const { place, password } = options;
  if (existsSync(join(place.dataDir, 'PG_VERSION'))) {
    checkVersion(place);
    return;
  }
  // Made beside and renamed, so that an interrupted initdb leaves no half of a data folder.
  const draft = `${place.dataDir}.new`;
  const passwordFile = join(place.dir, 'password');
  rmSync(draft, { recursive: true, force: true });
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (place.user !== undefined) chownSync(passwordFile, place.user.uid, place.user.gid);
  try {
    // The builtin locale sorts the same on every machine, whatever its C library.
    const args = [
      ...['--pgdata', draft, '--username', superuser, '--auth', 'scram-sha-256', '--pwfile', passwordFile],
      ...[
        '--encoding',
        'UTF8',
        '--locale',
        'C',
        '--locale-provider',
        'builtin',
        '--builtin-locale',
        'C.UTF-8',
      ],
      '--no-instructions',
    ];
    const ids = place.user === undefined ? {} : { uid: place.user.uid, gid: place.user.gid };
    await promisify(execFile)(join(place.binDir, 'initdb'), args, { ...ids, cwd: '/', env: cleanEnv });
    rmSync(place.dataDir, { recursive: true, force: true });
    renameSync(draft, place.dataDir);
  } catch (cause) {
    const output = cause instanceof Error && 'stderr' in cause ? `\n${String(cause.stderr).trim()}` : '';
    throw new Error(`postgres did not start: initdb could not make ${place.dataDir}${output}`, { cause });
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

function checkVersion(place: PostgresPlace): void {
  const found = readFileSync(join(place.dataDir, 'PG_VERSION'), 'utf8').trim();
  const ours = place.version.split('.')[0];
  if (found === ours) return;
  throw new Error(
    `${place.dataDir} was made by Postgres ${found}, and this Graphrun brings Postgres ${ours}. ` +
      'Dump it with the version that made it, or begin anew with: npm start -- --fresh',
  );
}
