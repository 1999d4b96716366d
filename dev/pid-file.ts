import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from './atomic-file.ts';
import type { Home } from './home.ts';
import { hasCode, processStart, type TerminateOptions, terminate } from './processes.ts';

/** Notes a service's process, so that a later start recognises it should this process be killed. */
export function writePidFile(home: Home, name: string, pid: number): void {
  writeFileAtomic(pidFile(home, name), JSON.stringify({ pid, start: processStart(pid) }));
}

/** Forgets a service that has ended. */
export function removePidFile(home: Home, name: string): void {
  rmSync(pidFile(home, name), { force: true });
}

/**
 * Ends the process that an earlier, killed start left behind, and returns its pid. The caller holds the home's lock,
 * so no live stack owns it.
 */
export async function endOrphan(
  home: Home,
  name: string,
  options: TerminateOptions,
): Promise<number | undefined> {
  const noted = readPidFile(pidFile(home, name));
  if (noted === undefined) return undefined;
  const alive = processStart(noted.pid) === noted.start;
  if (alive) await terminate(noted.pid, options);
  removePidFile(home, name);
  return alive ? noted.pid : undefined;
}

function pidFile(home: Home, name: string): string {
  return join(home.pids, `${name}.json`);
}

function readPidFile(file: string): { pid: number; start: string } | undefined {
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof content !== 'object' || content === null || !('pid' in content) || !('start' in content))
      return undefined;
    const { pid, start } = content;
    return typeof pid === 'number' && typeof start === 'string' ? { pid, start } : undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
