import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { useDatabases } from '../support/databases.ts';

const { databaseUrl } = await useDatabases();
const server = fileURLToPath(new URL('../../api/server.ts', import.meta.url));
let child: ChildProcess | undefined;

afterEach(() => {
  child?.kill('SIGKILL');
});

/** Temporal is away all the time: the server must come up without it. */
function start(env: Readonly<Record<string, string>> = {}) {
  const started = fork(server, {
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: '127.0.0.1:9',
      PORT: '0',
      ...env,
    },
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  child = started;
  const lines = started.stdout?.setEncoding('utf8').toArray() ?? Promise.resolve([]);
  const exit = once(started, 'exit').then(async ([code]) => ({ code, log: (await lines).join('') }));
  return { started, exit };
}

async function ready(started: ChildProcess): Promise<string> {
  const [message] = await once(started, 'message');
  expect(message).toEqual({ type: 'ready', url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) });
  return message.url;
}

test('it comes up without Temporal, says where it listens, and ends at SIGTERM in good order', async () => {
  const { started, exit } = start();
  const url = await ready(started);
  expect((await fetch(`${url}/health/live`)).status).toBe(200);
  const answer = await fetch(`${url}/health/ready`);
  expect(await answer.json()).toEqual({ ready: false, checks: { database: 'up', temporal: 'down' } });
  started.kill('SIGTERM');
  const { code, log } = await exit;
  expect(code).toBe(0);
  const messages = log
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).msg);
  expect(messages).toEqual(expect.arrayContaining(['ready', 'stopping', 'stopped']));
});

test('it ends when its parent is gone', async () => {
  const { started, exit } = start();
  await ready(started);
  started.disconnect();
  expect((await exit).code).toBe(0);
});

test('a bad environment is told by name, without its value, and ends it', async () => {
  const { exit } = start({ DATABASE_URL: 'mysql://root:hunter2@localhost/x', PORT: 'http' });
  const { code, log } = await exit;
  expect(code).toBe(1);
  expect(log).toMatch(/DATABASE_URL: .*expected postgres:.*PORT: /);
  expect(log).not.toContain('hunter2');
});
