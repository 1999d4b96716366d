import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { send } from './processes.ts';

export interface Installer {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** It is ended when its progress stays the same for so long. */
  readonly idleMs: number;
  /** How far it is, as a text; a changed text is progress. */
  readonly progressed: () => string;
  readonly onLine?: (line: string) => void;
  readonly show: (text: string) => void;
  /** Begins the message of the error. */
  readonly failure: string;
}

const lookEveryMs = 500;
const linesKept = 5;

/** Runs a program that downloads or builds, shows its progress, and ends it (and its children) when it hangs. */
export async function runInstaller(installer: Installer): Promise<void> {
  const child = spawn(installer.command, installer.args, {
    env: installer.env,
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const killGroup = () => {
    if (child.pid !== undefined) send(-child.pid, 'SIGKILL');
  };
  // It has a process group of its own; a Ctrl-C here has to reach its compilers as well.
  const onSignal = () => {
    killGroup();
    process.exit(130);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.once(signal, onSignal);
  const lines: string[] = [];
  const reader = createInterface({ input: child.stderr });
  reader.on('line', (line) => {
    installer.onLine?.(line);
    lines.push(line);
    if (lines.length > linesKept) lines.shift();
  });
  const idle = watchProgress(installer, killGroup);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (idle.hung()) throw new Error(`${installer.failure}: nothing came for ${installer.idleMs / 1000} s`);
    if (code !== 0)
      throw new Error(`${installer.failure}: ${lines.join('\n').trim() || `exit code ${code}`}`);
  } finally {
    idle.stop();
    reader.close();
    for (const signal of signals) process.off(signal, onSignal);
  }
}

function watchProgress(installer: Installer, end: () => void): { hung: () => boolean; stop: () => void } {
  let last = '';
  let lastChange = performance.now();
  let hung = false;
  const timer = setInterval(() => {
    const now = installer.progressed();
    if (now !== last) {
      last = now;
      lastChange = performance.now();
      installer.show(now);
    } else if (performance.now() - lastChange > installer.idleMs) {
      hung = true;
      end();
    }
  }, lookEveryMs);
  return { hung: () => hung, stop: () => clearInterval(timer) };
}
