import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkout, clearHome, homeDir, openHome } from '../../dev/home.ts';
import { lockHome, StackRunningError } from '../../dev/home-lock.ts';
import { processStart } from '../../dev/processes.ts';
import { loadSecrets } from '../../dev/secrets.ts';
import { useFolder } from './folders.ts';

const folder = useFolder();

test('GRAPHRUN_HOME names the home; without it, it is in the checkout', () => {
  expect(homeDir({ GRAPHRUN_HOME: '/somewhere/else' })).toBe('/somewhere/else');
  expect(homeDir({})).toBe(join(checkout, '.graphrun'));
});

test('a folder that holds something else is left alone', () => {
  const dir = join(folder, 'documents');
  mkdirSync(dir);
  writeFileSync(join(dir, 'letter.txt'), 'dear');
  expect(() => openHome(dir)).toThrow('holds something else than a Graphrun stack');
  expect(readdirSync(dir)).toEqual(['letter.txt']);
});

test('clearing a home deletes what the stack made, and nothing else', () => {
  const home = openHome(join(folder, 'cleared'));
  const old = loadSecrets(home.secretsFile);
  writeFileSync(join(home.dir, 'notes.txt'), 'mine');
  expect(clearHome(home)).toEqual(['notes.txt']);
  expect(existsSync(home.secretsFile)).toBe(false);
  expect(readFileSync(join(home.dir, 'notes.txt'), 'utf8')).toBe('mine');
  expect(openHome(home.dir)).toEqual(home);
  expect(loadSecrets(home.secretsFile)).not.toEqual(old);
});

test('secrets are made once, for the owner only', () => {
  const home = openHome(join(folder, 'secrets'));
  const made = loadSecrets(home.secretsFile);
  expect(made.apiKey).toMatch(/^gr_[\w-]{43}$/);
  expect(loadSecrets(home.secretsFile)).toEqual(made);
  expect(statSync(home.secretsFile).mode & 0o777).toBe(0o600);
  writeFileSync(home.secretsFile, '{"apiKey":');
  expect(() => loadSecrets(home.secretsFile)).toThrow(/secrets\.json was expected to hold .*--fresh/);
});

test('a home is held by one live process at a time', () => {
  const home = openHome(join(folder, 'held'));
  const lock = lockHome(home);
  expect(() => lockHome(home)).toThrow(StackRunningError);
  expect(() => lockHome(home)).toThrow(`as process ${process.pid}`);
  lock.release();
  lockHome(home).release();
  expect(existsSync(home.lockFile)).toBe(false);
});

test('the lock of a process that is gone is taken over', async () => {
  const home = openHome(join(folder, 'stale'));
  const child = spawn('/bin/sleep', ['60']);
  const { pid = 0 } = child;
  writeFileSync(home.lockFile, JSON.stringify({ pid, start: processStart(pid) }));
  expect(() => lockHome(home)).toThrow(StackRunningError);
  child.kill('SIGKILL');
  await once(child, 'exit');
  lockHome(home).release();
});

test('a pid that belongs to another process by now does not hold the lock', () => {
  const home = openHome(join(folder, 'reused'));
  writeFileSync(home.lockFile, JSON.stringify({ pid: process.pid, start: 'long ago' }));
  lockHome(home).release();
  writeFileSync(home.lockFile, 'cut sho');
  lockHome(home).release();
  expect(readdirSync(home.dir)).not.toContain('lock');
});
