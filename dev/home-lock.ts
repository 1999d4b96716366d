import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Home } from './home.ts';
import { hasCode, processStart } from './processes.ts';
import { readStackFile } from './stack-file.ts';

export interface HomeLock {
  release(): void;
}

/** Another stack of the same home is up. */
export class StackRunningError extends Error {
  override readonly name = 'StackRunningError';
}

/**
 * Takes the home for this process. A lock left by a process that is gone is taken over.
 * @throws StackRunningError when a live process holds it.
 */
export function lockHome(home: Home): HomeLock {
  const mine = JSON.stringify({ pid: process.pid, start: processStart(process.pid) });
  for (let tries = 0; tries < 10; tries += 1) {
    try {
      writeFileSync(home.lockFile, mine, { flag: 'wx', mode: 0o600 });
      return { release: () => releaseLock(home.lockFile, mine) };
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
    const found = read(home.lockFile);
    if (found === undefined) continue;
    const holder = liveHolder(found);
    if (holder !== undefined) throw stackRunning(home, holder);
    setAside(home.lockFile, found);
  }
  throw new Error(`${home.lockFile} could not be taken: other processes keep taking it. Try again.`);
}

/** The process that holds a home, if it is alive. */
export function lockHolder(home: Home): number | undefined {
  const found = read(home.lockFile);
  return found === undefined ? undefined : liveHolder(found);
}

function releaseLock(file: string, mine: string): void {
  if (read(file) === mine) rmSync(file, { force: true });
}

// Two processes may judge the same lock to be stale: what was moved away has to be what was judged.
function setAside(file: string, judged: string): void {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
    if (read(aside) !== judged) linkSync(aside, file);
  } catch (error) {
    if (!hasCode(error, 'ENOENT') && !hasCode(error, 'EEXIST')) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function liveHolder(content: string): number | undefined {
  try {
    const holder: unknown = JSON.parse(content);
    if (typeof holder !== 'object' || holder === null || !('pid' in holder) || !('start' in holder))
      return undefined;
    if (typeof holder.pid !== 'number') return undefined;
    return processStart(holder.pid) === holder.start ? holder.pid : undefined;
  } catch {
    return undefined;
  }
}

function stackRunning(home: Home, pid: number): StackRunningError {
  const apiUrl = readStackFile(home.stackFile)?.apiUrl;
  const where = apiUrl === undefined ? 'It is still starting or ending' : `Its API is at ${apiUrl}`;
  return new StackRunningError(
    `A stack of ${home.dir} is running already, as process ${pid}. ${where}. ` +
      `Use that one, end it (kill ${pid}), or set GRAPHRUN_HOME to another folder for a second one.`,
  );
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
