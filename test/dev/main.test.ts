import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { checkout } from '../../dev/home.ts';
import { processStart } from '../../dev/processes.ts';
import { readStackFile } from '../../dev/stack-file.ts';
import { waitFor } from '../../dev/wait-for.ts';
import { countFlights } from '../support/flights.ts';
import { useFolder } from './folders.ts';

const folder = useFolder();
const started: ChildProcess[] = [];

afterAll(() => {
  for (const child of started) child.kill('SIGTERM');
});

test('--once runs the example, shows its jobs and tables, and leaves no process', {
  timeout: 60_000,
}, async () => {
  const home = join(folder, 'once');
  const main = start(['--once'], home);
  const stack = await waitFor(() => readStackFile(join(home, 'stack.json')), {
    what: 'the stack',
    timeoutMs: 40_000,
  });
  expect(await main.code).toBe(0);
  for (const job of ['airports', 'routes', 'busiest', 'distances', 'summary']) {
    expect(main.output()).toMatch(new RegExp(`^${job} +SUCCESS +1 +[0-9.]+ m?s$`, 'm'));
  }
  const [busiest] = countFlights().keys();
  expect(main.output()).toMatch(new RegExp(`busiest: its first rows\\niata .*\\n${busiest} `));
  expect(main.output()).toContain('distances: its first rows\n');
  expect(main.output()).toContain('summary: its first rows\n');
  for (const pid of Object.values(stack.pids)) expect(processStart(pid)).toBeUndefined();
  expect(existsSync(join(home, 'stack.json'))).toBe(false);
});

test('without --once it stays up until it is told to stop', { timeout: 60_000 }, async () => {
  const home = join(folder, 'up');
  const main = start(['--no-example'], home);
  await waitFor(() => main.output().includes('API docs') || undefined, {
    what: 'the URLs',
    timeoutMs: 40_000,
  });
  const stack = readStackFile(join(home, 'stack.json'));
  expect(main.output()).toContain(`${stack?.apiUrl}/docs`);
  expect(main.output()).toContain(`${stack?.temporalCli} workflow list --address ${stack?.temporalAddress}`);
  const answer = await fetch(`${stack?.apiUrl}/health/ready`);
  expect(answer.status).toBe(200);
  main.process.kill('SIGTERM');
  expect(await main.code).toBe(0);
  for (const pid of Object.values(stack?.pids ?? {})) expect(processStart(pid)).toBeUndefined();
});

test('what it does not know is refused with its usage', async () => {
  const wrong = start(['--onec'], join(folder, 'wrong'));
  expect(await wrong.code).toBe(2);
  expect(wrong.output()).toMatch(/'--onec'[\s\S]*Usage: npm start/);
  const port = start([], join(folder, 'wrong'), { PORT: '70000' });
  expect(await port.code).toBe(1);
  expect(port.output()).toContain('PORT is "70000"; expected a number from 0 to 65535');
});

test('a flag that npm has kept to itself is refused', async () => {
  const lost = start([], join(folder, 'lost'), { npm_config_once: 'true' });
  expect(await lost.code).toBe(2);
  expect(lost.output()).toContain('write: npm start -- --once');
  expect(existsSync(join(folder, 'lost'))).toBe(false);
});

test('a PORT that is in use is an error', { timeout: 60_000 }, async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? String(address?.port) : '';
  const main = start(['--no-example'], join(folder, 'taken'), { PORT: port });
  expect(await main.code).toBe(1);
  expect(main.output()).toContain(`Port ${port}, which PORT asks for, is in use`);
  server.close();
});

function start(args: readonly string[], home: string, more: NodeJS.ProcessEnv = {}) {
  const servers = { DATABASE_URL: '', WAREHOUSE_URL: '', TEMPORAL_ADDRESS: '', PORT: '' };
  const main = spawn(process.execPath, [join(checkout, 'dev', 'main.ts'), ...args], {
    cwd: checkout,
    env: { ...process.env, ...servers, GRAPHRUN_HOME: home, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(main);
  let text = '';
  for (const stream of [main.stdout, main.stderr])
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const code = once(main, 'close').then(([exitCode]) => exitCode as number | null);
  return { process: main, output: () => text, code };
}
