import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Home, openHome } from '../../dev/home.ts';
import { startNodeService } from '../../dev/node-service.ts';
import { processStart } from '../../dev/processes.ts';
import { type Service, ServiceStartError } from '../../dev/service.ts';
import { Supervisor } from '../../dev/supervisor.ts';
import { waitFor } from '../../dev/wait-for.ts';
import { useFolder } from './folders.ts';

const folder = useFolder();
const home: Home = openHome(join(folder, 'home'));
const failFile = join(folder, 'fail');
const script = join(import.meta.dirname, 'fixtures', 'service.ts');
let events: string[];
let supervisor: Supervisor;

beforeEach(() => {
  events = [];
  rmSync(failFile, { force: true });
  supervisor = new Supervisor({
    ended: (service, exit, delayMs) =>
      events.push(`${service.name} ended ${exit.code ?? exit.signal} ${delayMs}`),
    startFailed: (name, _error, delayMs) => events.push(`${name} failed ${delayMs}`),
    restarted: (service) => events.push(`${service.name} restarted ${service.pid}`),
  });
});

afterEach(() => supervisor.stop('worker'));

test('a service that ends is started again, and stopped in the end', async () => {
  const first = await supervisor.start('worker', start);
  process.kill(first.pid, 'SIGKILL');
  await waitFor(() => events[1], { what: 'the restart', timeoutMs: 10_000 });
  const { worker = 0 } = supervisor.pids();
  expect(worker).not.toBe(first.pid);
  expect(events).toEqual(['worker ended SIGKILL 250', `worker restarted ${worker}`]);
  await Promise.all([supervisor.stop('worker'), supervisor.stop('worker')]);
  expect(processStart(worker)).toBeUndefined();
  expect(supervisor.pids()).toEqual({});
  expect(events).toHaveLength(2);
});

test('tries to start again come with growing delays', async () => {
  const first = await supervisor.start('worker', start);
  writeFileSync(failFile, '');
  process.kill(first.pid, 'SIGKILL');
  await waitFor(() => events[2], { what: 'two failed starts', timeoutMs: 10_000 });
  expect(events).toEqual(['worker ended SIGKILL 250', 'worker failed 500', 'worker failed 1000']);
  rmSync(failFile);
  await waitFor(() => events[3], { what: 'the restart', timeoutMs: 10_000 });
  expect(events[3]).toMatch(/^worker restarted/);
});

test('a stop ends the tries to start again', async () => {
  const first = await supervisor.start('worker', start);
  writeFileSync(failFile, '');
  process.kill(first.pid, 'SIGKILL');
  await waitFor(() => events[1], { what: 'a failed start', timeoutMs: 10_000 });
  await supervisor.stop('worker');
  expect(supervisor.pids()).toEqual({});
});

test('a stop during a new start ends what that start gives', async () => {
  const started: Service[] = [];
  let stopped: Promise<void> | undefined;
  const first = await supervisor.start('worker', async () => {
    const service = await start();
    started.push(service);
    if (started.length === 2) stopped = supervisor.stop('worker');
    return service;
  });
  process.kill(first.pid, 'SIGKILL');
  await waitFor(() => stopped && true, { what: 'the stop', timeoutMs: 10_000 });
  await stopped;
  expect(started).toHaveLength(2);
  for (const { pid } of started) expect(processStart(pid)).toBeUndefined();
});

test('a first start that fails is an error with the end of the log, and is not tried again', async () => {
  writeFileSync(failFile, '');
  const error = await supervisor.start('worker', start).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ServiceStartError);
  expect(String(error)).toMatch(
    /it ended with exit code 7[\s\S]*worker\.log[\s\S]*the fixture was told to fail/,
  );
  expect(supervisor.pids()).toEqual({});
});

test('a service that never says it is ready is ended', async () => {
  const silent = join(folder, 'silent.mjs');
  writeFileSync(silent, 'setInterval(() => {}, 1000)');
  const options = { name: 'worker', script: silent, home, env: process.env, readyTimeoutMs: 500 };
  await expect(startNodeService(options)).rejects.toThrow('it did not say that it is ready within 0.5 s');
});

function start(): Promise<Service> {
  const env = { ...process.env, FIXTURE_FAIL_FILE: failFile };
  return startNodeService({ name: 'worker', script, home, env });
}
