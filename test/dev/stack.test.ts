import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { withClient } from '../../dev/databases.ts';
import { processStart } from '../../dev/processes.ts';
import { killServices } from '../../dev/service.ts';
import { type Stack, startStack } from '../../dev/stack.ts';
import { readStackFile, type StackInfo } from '../../dev/stack-file.ts';
import type { StackReport } from '../../dev/stack-report.ts';
import { waitFor } from '../../dev/wait-for.ts';
import { useDatabases } from '../support/databases.ts';
import { useFolder } from './folders.ts';

const folder = useFolder();
const script = join(import.meta.dirname, 'fixtures', 'service.ts');
const scripts = { worker: script, api: script };
const ports = { api: 0, temporal: 0, temporalUi: 0, postgres: 0 };
const ownServers = { ...process.env, DATABASE_URL: '', WAREHOUSE_URL: '', TEMPORAL_ADDRESS: '' };
const given = await useDatabases();
process.on('exit', killServices);

test('a stack comes up, restarts what dies, keeps its data, and ends without a trace', async () => {
  const home = join(folder, 'whole');
  const notes: string[] = [];
  const stack = await startStack({ home, ports, scripts, env: ownServers, report: noting(notes) });
  const { info } = stack;
  expect(readStackFile(join(home, 'stack.json'))).toEqual(info);
  expect(Object.keys(info.pids).sort()).toEqual(['api', 'postgres', 'temporal', 'worker']);
  await expect(startStack({ home, ports, scripts, env: ownServers })).rejects.toThrow(
    `is running already, as process ${process.pid}. Its API is at ${info.apiUrl}`,
  );
  await withClient(info.databaseUrl, (client) => client.query('CREATE TABLE kept ()'));
  for (const name of ['worker', 'temporal', 'postgres'] as const) await killAndAwait(stack, name, notes);
  expect(readStackFile(join(home, 'stack.json'))).toEqual(stack.info);
  expect(stack.info.apiUrl).toBe(info.apiUrl);
  await Promise.all([stack.stop(), stack.stop()]);
  expectGone(stack.info);
  expect(existsSync(join(home, 'stack.json'))).toBe(false);

  const second = await startStack({ home, ports, scripts, env: ownServers });
  expect(second.info.apiKey).toBe(info.apiKey);
  expect(await tables(second.info.databaseUrl)).toContain('kept');
  await second.stop();
  const fresh = await startStack({ home, ports, scripts, env: ownServers, fresh: true });
  expect(fresh.info.apiKey).not.toBe(info.apiKey);
  expect(await tables(fresh.info.databaseUrl)).not.toContain('kept');
  await fresh.stop();
});

test('what a killed stack left is ended by the next start', async () => {
  const home = join(folder, 'killed');
  const main = spawn(process.execPath, [join(import.meta.dirname, 'fixtures', 'run-stack.ts'), home], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: ownServers,
  });
  await once(main.stdout, 'data');
  const left = readStackFile(join(home, 'stack.json'));
  if (left === undefined) throw new Error('expected a stack.json');
  const ended = once(main, 'exit');
  main.kill('SIGKILL');
  await ended;
  expect(processStart(left.pids.postgres ?? 0)).toBeDefined();
  const notes: string[] = [];
  const stack = await startStack({ home, ports, scripts, env: ownServers, report: noting(notes) });
  expectGone(left);
  expect(notes.join('\n')).toMatch(/temporal process \d+, left by a start that was killed/);
  await stack.stop();
  expectGone(stack.info);
});

test('when a part does not start, the rest is ended and the error shows its log', async () => {
  const home = join(folder, 'failing');
  const failFile = join(folder, 'fail');
  writeFileSync(failFile, '');
  const env = { ...ownServers, FIXTURE_FAIL_FILE: failFile };
  await expect(startStack({ home, ports, scripts, env })).rejects.toThrow('the fixture was told to fail');
  expect(existsSync(join(home, 'stack.json'))).toBe(false);
  expect(existsSync(join(home, 'lock'))).toBe(false);
  expect(existsSync(join(home, 'pids', 'temporal.json'))).toBe(false);
});

test('servers that are given are used, and none is started', async () => {
  const { databaseUrl, warehouseUrl, temporalAddress } = given;
  const env = {
    ...process.env,
    DATABASE_URL: databaseUrl,
    WAREHOUSE_URL: warehouseUrl,
    TEMPORAL_ADDRESS: temporalAddress,
  };
  const stack = await startStack({ home: join(folder, 'given'), ports, scripts, env });
  const { info } = stack;
  await stack.stop();
  expect(info).toMatchObject({ databaseUrl, warehouseUrl, temporalAddress, temporalUiUrl: null });
  expect(Object.keys(info.pids).sort()).toEqual(['api', 'worker']);
  expect(info.temporalCli).toBe(inject('temporalCli'));
});

test('servers that are given and do not answer are named', async () => {
  const env = {
    ...ownServers,
    DATABASE_URL: 'postgresql://me:secret@127.0.0.1:1/x',
    TEMPORAL_ADDRESS: '127.0.0.1:1',
  };
  const error = await startStack({ home: join(folder, 'dead'), ports, scripts, env }).catch(String);
  expect(error).toMatch(/Postgres server 127\.0\.0\.1:1 \(database "x", user "me"\).*Check DATABASE_URL/);
  expect(error).not.toContain('secret');
  const noTemporal = { ...env, DATABASE_URL: given.databaseUrl };
  await expect(startStack({ home: join(folder, 'dead'), ports, scripts, env: noTemporal })).rejects.toThrow(
    'Nothing answers at TEMPORAL_ADDRESS 127.0.0.1:1',
  );
});

function noting(notes: string[]): StackReport {
  const add = (name: string, text: string) => notes.push(`${name} ${text}`);
  return { step: add, note: add, progress: () => {} };
}

async function killAndAwait(
  stack: Stack,
  name: 'worker' | 'temporal' | 'postgres',
  notes: string[],
): Promise<void> {
  const old = stack.info.pids[name] ?? 0;
  process.kill(old, 'SIGKILL');
  await waitFor(() => notes.find((note) => note === `${name} ready again`), {
    what: `a new ${name}`,
    timeoutMs: 20_000,
  });
  expect(stack.info.pids[name]).not.toBe(old);
  expect(notes.join('\n')).toContain(`${name} process ${old} ended with signal SIGKILL`);
  const { port } = new URL(
    name === 'postgres' ? stack.info.databaseUrl : `http://${stack.info.temporalAddress}`,
  );
  const socket = createConnection(Number(port), '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
}

function expectGone(info: StackInfo): void {
  for (const pid of Object.values(info.pids)) expect(processStart(pid)).toBeUndefined();
}

async function tables(databaseUrl: string): Promise<string[]> {
  const list = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'";
  const { rows } = await withClient(databaseUrl, (client) => client.query<{ tablename: string }>(list));
  return rows.map((row) => row.tablename);
}
