import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  cachedCli,
  findOnPath,
  findTemporalCli,
  isTemporalCli,
  type TemporalCli,
  temporalCliVersion,
} from './temporal-cli.ts';
import { runInstaller } from './temporal-installer.ts';

export interface InstallOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** A line of its own. */
  readonly note: (text: string) => void;
  /** How far a slow step has come; replaces the one before. */
  readonly progress: (text: string) => void;
}

export interface InstallWay {
  readonly origin: string;
  /** Puts a CLI into the folder `work`, which is deleted afterwards, and returns its path. */
  readonly install: (work: string, env: NodeJS.ProcessEnv, options: InstallOptions) => Promise<string>;
}

// A build cannot be told from a hang until the compiler's next package; the largest one takes a minute.
const downloadIdleMs = 20_000;
const buildIdleMs = 10 * 60_000;

/**
 * Finds a Temporal CLI, or installs one into the user's cache: the SDK's download, else a build with Go. Two processes
 * may do so at once: each works in a folder of its own and renames its result into place.
 * @throws Error that names all ways when none works.
 */
export async function ensureTemporalCli(options: InstallOptions, ways = installWays): Promise<TemporalCli> {
  const env = options.env ?? process.env;
  const found = await findTemporalCli({ env, note: options.note });
  if (found !== undefined) return found;
  const target = cachedCli(env);
  mkdirSync(dirname(target), { recursive: true });
  const failures: string[] = [];
  for (const { origin, install } of ways) {
    const work = mkdtempSync(join(dirname(target), 'install-'));
    const clean = () => rmSync(work, { recursive: true, force: true });
    process.once('exit', clean);
    try {
      const made = await install(work, env, options);
      if (!(await isTemporalCli(made)))
        throw new Error(`what it gave does not run as a Temporal CLI: ${made}`);
      renameSync(made, target);
      return { path: target, origin };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      failures.push(reason);
      options.note(reason);
    } finally {
      process.off('exit', clean);
      clean();
    }
  }
  throw new Error(noTemporal(target, failures));
}

async function download(work: string, env: NodeJS.ProcessEnv, options: InstallOptions): Promise<string> {
  options.note(`downloading Temporal CLI ${temporalCliVersion} (about 60 MB, once for this user)`);
  const script = join(import.meta.dirname, 'temporal-download.ts');
  const size = () => readdirSync(work).reduce((sum, name) => sum + statSync(join(work, name)).size, 0);
  await runInstaller({
    command: process.execPath,
    args: [script, work, `v${temporalCliVersion}`],
    env,
    idleMs: downloadIdleMs,
    progressed: () => `${(size() / 1e6).toFixed(0)} MB`,
    show: options.progress,
    failure: 'the download failed',
  });
  const file = readdirSync(work).find((name) => statSync(join(work, name)).size > 1e6);
  if (file === undefined) throw new Error(`the download failed: it left no file in ${work}`);
  chmodSync(join(work, file), 0o755);
  return join(work, file);
}

/** Builds the CLI with Go. */
export async function build(work: string, env: NodeJS.ProcessEnv, options: InstallOptions): Promise<string> {
  const go = findOnPath('go', env);
  if (go === undefined) throw new Error('the build is not possible: there is no "go" on the PATH');
  options.note(`building Temporal CLI ${temporalCliVersion} with Go (about 3 minutes, once for this user)`);
  let modules = 0;
  let packages = 0;
  await runInstaller({
    command: go,
    args: [
      'install',
      '-v',
      '-ldflags',
      '-s -w',
      `github.com/temporalio/cli/cmd/temporal@v${temporalCliVersion}`,
    ],
    env: { ...env, GOBIN: work },
    idleMs: buildIdleMs,
    onLine: (line) => {
      if (line.startsWith('go: ')) modules += 1;
      else packages += 1;
    },
    progressed: () =>
      packages === 0 ? `${modules} modules downloaded` : `${packages} of about 1,300 packages`,
    show: options.progress,
    failure: 'the build with Go failed',
  });
  return join(work, 'temporal');
}

const installWays: readonly InstallWay[] = [
  { origin: 'downloaded', install: download },
  { origin: 'built', install: build },
];

function noTemporal(target: string, failures: readonly string[]): string {
  return [
    'There is no Temporal server. Graphrun takes one from four places; none has one:',
    '  1. TEMPORAL_ADDRESS, the host:port of a server that runs already: it is not set',
    '  2. a program "temporal" (Temporal CLI, 1.0 or later) on the PATH, or the one that Graphrun keeps at',
    `     ${target}: not there`,
    `  3. the download that Temporal's SDK does: ${failures[0] ?? 'not tried'}`,
    `  4. a build with Go: ${failures[1] ?? 'not tried'}`,
    'Set TEMPORAL_ADDRESS, or install the CLI (https://docs.temporal.io/cli/setup-cli), then start again.',
  ].join('\n');
}
