import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';

/** The version that Graphrun is tested with, and that it installs where there is none. */
export const temporalCliVersion = '1.5.1';

export interface TemporalCli {
  readonly path: string;
  /** Where it comes from, in words: "on the PATH", "kept from before" ... */
  readonly origin: string;
}

export interface FindOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly note?: (text: string) => void;
}

/** A Temporal CLI that is on this machine already: on the PATH, else kept in our cache. */
export async function findTemporalCli(options: FindOptions = {}): Promise<TemporalCli | undefined> {
  const env = options.env ?? process.env;
  const onPath = findOnPath('temporal', env);
  if (onPath !== undefined) {
    if (await isTemporalCli(onPath)) return { path: onPath, origin: 'on the PATH' };
    options.note?.(
      `${onPath} is on the PATH, but is no Temporal CLI with a dev server (version 1.0 or later); going on`,
    );
  }
  const kept = cachedCli(env);
  if (!existsSync(kept)) return undefined;
  if (await isTemporalCli(kept)) return { path: kept, origin: 'kept from before' };
  options.note?.(`${kept} does not run; it is made anew`);
  return undefined;
}

/** Where the CLI that Graphrun installed is kept, for all checkouts of this user. */
export function cachedCli(env: NodeJS.ProcessEnv = process.env): string {
  return join(cacheDir(env), `temporal-${temporalCliVersion}`);
}

/** The user-level cache: `$XDG_CACHE_HOME/graphrun`, or `~/.cache/graphrun`. */
export function cacheDir(env: NodeJS.ProcessEnv = process.env): string {
  const base = env.XDG_CACHE_HOME;
  // The XDG rules: a relative path is to be ignored.
  return join(base && isAbsolute(base) ? base : join(env.HOME || homedir(), '.cache'), 'graphrun');
}

/** The first executable file of that name in the folders of PATH. */
export function findOnPath(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  for (const dir of (env.PATH ?? '').split(delimiter)) {
    if (!isAbsolute(dir)) continue;
    const file = join(dir, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** Whether this program says of itself that it is a Temporal CLI which holds a server. */
export async function isTemporalCli(path: string): Promise<boolean> {
  try {
    const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: 20_000 });
    return /^temporal version .*\(Server \d/i.test(stdout);
  } catch {
    return false;
  }
}
