import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of this checkout. */
export const checkout = dirname(dirname(fileURLToPath(import.meta.url)));

/** The files and folders of one local stack. */
export interface Home {
  readonly dir: string;
  readonly logs: string;
  readonly pids: string;
  readonly postgres: string;
  readonly temporalDb: string;
  readonly secretsFile: string;
  readonly stackFile: string;
  readonly lockFile: string;
}

const marker = 'graphrun-home';

// All that the stack, its worker and its API put there; `--fresh` deletes these and nothing else.
const ownEntries = ['postgres', 'temporal', 'logs', 'pids', 'files', 'cache', 'secrets.json', 'stack.json'];
const ownPrefixes = ['stack.json.', 'secrets.json.'];

/** The home that GRAPHRUN_HOME names, or `.graphrun` in the checkout. */
export function homeDir(env: NodeJS.ProcessEnv = process.env): string {
  return env.GRAPHRUN_HOME ? resolve(env.GRAPHRUN_HOME) : join(checkout, '.graphrun');
}

/**
 * Makes a home, or takes one that is there.
 * @throws Error when the folder holds something else.
 */
export function openHome(dir: string): Home {
  const isRoot = process.getuid?.() === 0;
  if (!existsSync(join(dir, marker))) {
    if (existsSync(dir) && readdirSync(dir).length > 0) throw notAHome(dir);
    mkdirSync(dir, { recursive: true });
    // Postgres runs as another user when we are root, and has to pass through this folder.
    chmodSync(dir, isRoot ? 0o755 : 0o700);
    writeFileSync(
      join(dir, marker),
      'The data of a local Graphrun stack. `npm start -- --fresh` deletes it.\n',
    );
  }
  const home: Home = {
    dir,
    logs: join(dir, 'logs'),
    pids: join(dir, 'pids'),
    postgres: join(dir, 'postgres'),
    temporalDb: join(dir, 'temporal', 'temporal.db'),
    secretsFile: join(dir, 'secrets.json'),
    stackFile: join(dir, 'stack.json'),
    lockFile: join(dir, 'lock'),
  };
  for (const folder of [home.logs, home.pids, dirname(home.temporalDb)]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }
  return home;
}

/**
 * Deletes what the stack made in a home, and returns the names of what is left (things of others). The caller holds the
 * home's lock and has ended what ran on it.
 */
export function clearHome(home: Home): string[] {
  const own = (entry: string) =>
    ownEntries.includes(entry) || ownPrefixes.some((prefix) => entry.startsWith(prefix));
  const entries = readdirSync(home.dir).filter((entry) => entry !== marker && entry !== 'lock');
  for (const entry of entries.filter(own)) rmSync(join(home.dir, entry), { recursive: true, force: true });
  openHome(home.dir);
  return entries.filter((entry) => !own(entry));
}

function notAHome(dir: string): Error {
  return new Error(
    `${dir} holds something else than a Graphrun stack (it is not empty and has no file ${marker}), ` +
      'so Graphrun leaves it alone. Set GRAPHRUN_HOME to an empty or new folder.',
  );
}
