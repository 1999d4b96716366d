import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { waitFor } from './wait-for.ts';

const hasProc = existsSync('/proc/self/stat');

/**
 * When the process began, as an opaque text, or undefined when there is none (or only a zombie is left). A pid is used
 * again after a while; a pid together with this text is not.
 */
export function processStart(pid: number): string | undefined {
  if (!hasProc) return ps(pid, 'lstart=');
  const stat = readProc(pid, 'stat');
  if (stat === undefined) return undefined;
  // The command, in parentheses, may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

/** The command line of a process, its arguments joined by spaces; undefined when there is no such process. */
export function commandLine(pid: number): string | undefined {
  if (!hasProc) return ps(pid, 'command=');
  return readProc(pid, 'cmdline')?.replaceAll('\0', ' ').trim();
}

export interface TerminateOptions {
  readonly signal: NodeJS.Signals;
  /** After this time without an end, SIGKILL is sent. */
  readonly graceMs: number;
}

/** Ends a process that may not be a child of this one, and waits until it is gone. */
export async function terminate(pid: number, options: TerminateOptions): Promise<void> {
  const start = processStart(pid);
  if (start === undefined) return;
  const gone = () => (processStart(pid) === start ? undefined : true);
  send(pid, options.signal);
  try {
    await waitFor(gone, { what: `the end of process ${pid}`, timeoutMs: options.graceMs });
  } catch {
    send(pid, 'SIGKILL');
    await waitFor(gone, { what: `the end of process ${pid} after SIGKILL`, timeoutMs: 10_000 });
  }
}

/** Sends a signal; a process that is gone already is no error. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}

/** Whether an error carries this system error code. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}

function ps(pid: number, column: string): string | undefined {
  try {
    const out = execFileSync('ps', ['-ww', '-o', `stat=,${column}`, '-p', String(pid)], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    const [state = 'Z', ...rest] = out.split(/\s+/);
    return state.startsWith('Z') ? undefined : rest.join(' ');
  } catch {
    return undefined;
  }
}
