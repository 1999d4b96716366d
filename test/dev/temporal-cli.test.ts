import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { cacheDir, cachedCli, findTemporalCli } from '../../dev/temporal-cli.ts';
import { build, ensureTemporalCli, type InstallWay } from '../../dev/temporal-install.ts';
import { runInstaller } from '../../dev/temporal-installer.ts';
import { useFolder } from './folders.ts';

const folder = useFolder();
const version = 'echo "temporal version 9.9.9 (Server 1.29.1, UI 2.42.1)"';
const told: string[] = [];
const options = { note: (text: string) => told.push(text), progress: () => {} };
let cases = 0;

test('a CLI on the PATH comes before the kept one', async () => {
  const env = newEnv();
  writeProgram(cachedCli(env), version);
  expect(await findTemporalCli({ env })).toEqual({ path: cachedCli(env), origin: 'kept from before' });
  const onPath = join(env.PATH.split(':')[0] ?? '', 'temporal');
  writeProgram(onPath, version);
  expect(await findTemporalCli({ env })).toEqual({ path: onPath, origin: 'on the PATH' });
});

test('a program of that name that is no Temporal CLI is passed over, and that is told', async () => {
  const env = newEnv();
  writeProgram(join(env.PATH.split(':')[0] ?? '', 'temporal'), 'echo "another tool"');
  const notes: string[] = [];
  expect(await findTemporalCli({ env, note: (text) => notes.push(text) })).toBeUndefined();
  expect(notes.join()).toContain('no Temporal CLI');
});

test('what an installation gives is kept under its version, with nothing else left behind', async () => {
  const env = newEnv();
  const failing: InstallWay = {
    origin: 'downloaded',
    install: () => Promise.reject(new Error('no network')),
  };
  const working: InstallWay = {
    origin: 'built',
    install: async (work) => writeProgram(join(work, 'x'), version),
  };
  const both = () => ensureTemporalCli({ ...options, env }, [failing, working]);
  expect(await Promise.all([both(), both()])).toEqual([
    { path: cachedCli(env), origin: 'built' },
    { path: cachedCli(env), origin: 'built' },
  ]);
  expect(readdirSync(cacheDir(env))).toEqual(['temporal-1.5.1']);
  expect((await both()).origin).toBe('kept from before');
});

test('when no way works, the error names all four and why', async () => {
  const env = newEnv();
  const ways = ['no network', 'no go'].map((reason): InstallWay => {
    return { origin: reason, install: () => Promise.reject(new Error(reason)) };
  });
  const error = await ensureTemporalCli({ ...options, env }, ways).catch((thrown: unknown) => thrown);
  expect(String(error)).toMatch(/TEMPORAL_ADDRESS[\s\S]*PATH[\s\S]*no network[\s\S]*no go/);
  expect(readdirSync(cacheDir(env))).toEqual([]);
});

test('an installation that gives something else is no success', async () => {
  const env = newEnv();
  const wrong: InstallWay = {
    origin: 'built',
    install: async (work) => writeProgram(join(work, 'x'), 'exit 1'),
  };
  await expect(ensureTemporalCli({ ...options, env }, [wrong])).rejects.toThrow(
    'does not run as a Temporal CLI',
  );
  expect(readdirSync(cacheDir(env))).toEqual([]);
});

test('Go builds the pinned version into the folder it is given', async () => {
  const env = newEnv();
  const go = join(env.PATH.split(':')[0] ?? '', 'go');
  writeProgram(
    go,
    `printf '#!/bin/sh\\necho "$*"' > "$GOBIN/temporal"; chmod +x "$GOBIN/temporal"; echo "$@" > "$GOBIN/args"`,
  );
  const work = join(folder, 'work');
  mkdirSync(work);
  expect(await build(work, env, options)).toBe(join(work, 'temporal'));
  await expect(build(work, { ...env, PATH: '' }, options)).rejects.toThrow('no "go" on the PATH');
});

test('an installer that shows no progress is ended', async () => {
  const hung = { command: '/bin/sh', args: ['-c', 'sleep 60 & wait'], env: {}, idleMs: 300 };
  await expect(
    runInstaller({ ...hung, progressed: () => 'nothing', show: () => {}, failure: 'the download failed' }),
  ).rejects.toThrow('the download failed: nothing came for 0.3 s');
});

test('an installer that fails shows its last lines', async () => {
  const failing = {
    command: '/bin/sh',
    args: ['-c', 'echo no such host >&2; exit 3'],
    env: {},
    idleMs: 5_000,
  };
  await expect(
    runInstaller({ ...failing, progressed: () => '', show: () => {}, failure: 'the download failed' }),
  ).rejects.toThrow('the download failed: no such host');
});

function newEnv(): { PATH: string; XDG_CACHE_HOME: string } {
  cases += 1;
  const dir = join(folder, `case-${cases}`);
  mkdirSync(join(dir, 'bin'), { recursive: true });
  return { PATH: `${join(dir, 'bin')}:/usr/bin:/bin`, XDG_CACHE_HOME: join(dir, 'cache') };
}

function writeProgram(path: string, script: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}
