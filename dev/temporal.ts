import { connect } from 'node:net';
import { Connection } from '@temporalio/client';
import type { Home } from './home.ts';
import { endOrphan, removePidFile, writePidFile } from './pid-file.ts';
import { type Service, type SpawnedService, spawnService, untilReady } from './service.ts';
import { waitFor } from './wait-for.ts';

export interface TemporalOptions {
  readonly home: Home;
  readonly cli: string;
  readonly port: number;
  readonly uiPort: number;
  /** Without it nothing is kept: for tests. */
  readonly dbFile?: string;
  /** Dynamic settings of the server beside ours, as `key=value`: for tests. */
  readonly settings?: readonly string[];
}

const projectAttribute = 'GraphrunProject';

const namespace = 'default';
const readyTimeoutMs = 60_000;
const stop = { signal: 'SIGTERM', graceMs: 15_000 } as const;

// The dev server's defaults are made for looking at single workflows: a chain of jobs would fall to 50 ms a step, and
// timers would fire up to a second late. A worker that stands still, or whose machine is gone, would be given tasks for
// a minute more, each of which costs a heartbeat time-out. And a question for a Schedule would now and then wait for 5 s in a queue
// that nobody polls.
const dynamicConfig = [
  'history.transferProcessorMaxPollRPS=1000',
  'system.enableActivityEagerExecution=true',
  'history.timerProcessorMaxTimeShift="10ms"',
  'frontend.keepAliveTime="3s"',
  'frontend.keepAliveTimeout="5s"',
  'worker.perNamespaceWorkerOptions={"StickyScheduleToStartTimeout":"1s"}',
];

/** Starts Temporal's dev server with its Web UI, and returns when it answers and knows its search attribute. */
export async function startTemporal(options: TemporalOptions): Promise<Service> {
  const { home } = options;
  await endTemporalOrphan(home);
  const service = await spawnTemporal(options);
  writePidFile(home, 'temporal', service.pid);
  const removeNote = () => removePidFile(home, 'temporal');
  try {
    await untilReady(service, (signal) => answers(options.port, signal));
  } catch (error) {
    removeNote();
    throw error;
  }
  return { ...service, stop: () => service.stop().then(removeNote) };
}

/** Ends the Temporal server that a killed start of the same home left behind, and returns its pid. */
export function endTemporalOrphan(home: Home): Promise<number | undefined> {
  return endOrphan(home, 'temporal', stop);
}

/**
 * Checks that something listens at the address of a Temporal server that was given.
 * @throws Error that names the address.
 */
export async function checkTemporalAddress(address: string): Promise<void> {
  const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(address) ?? [];
  if (host === '')
    throw new Error(`TEMPORAL_ADDRESS is "${address}"; expected host:port, as in 127.0.0.1:7233`);
  try {
    await tryConnect(host.replace(/^\[(.*)\]$/, '$1'), Number(port));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `Nothing answers at TEMPORAL_ADDRESS ${address}: ${reason}. ` +
        'Start that server, or leave TEMPORAL_ADDRESS out to have one started.',
      { cause },
    );
  }
}

async function tryConnect(host: string, port: number): Promise<void> {
  const socket = connect({ host, port, timeout: 10_000 });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
      socket.once('timeout', () => reject(new Error('no answer within 10 s')));
    });
  } finally {
    socket.destroy();
  }
}

function spawnTemporal(options: TemporalOptions): Promise<SpawnedService> {
  const args = [
    ...['server', 'start-dev', '--headless=false', '--ip', '127.0.0.1'],
    ...['--port', String(options.port), '--ui-port', String(options.uiPort), '--namespace', namespace],
    ...(options.dbFile === undefined ? [] : ['--db-filename', options.dbFile]),
    ...['--search-attribute', `${projectAttribute}=Keyword`, '--log-level', 'error'],
    ...[...dynamicConfig, ...(options.settings ?? [])].flatMap((setting) => [
      '--dynamic-config-value',
      setting,
    ]),
  ];
  return spawnService({
    name: 'temporal',
    command: options.cli,
    args,
    cwd: options.home.dir,
    env: process.env,
    logFile: `${options.home.logs}/temporal.log`,
    stopSignal: stop.signal,
    stopGraceMs: stop.graceMs,
  });
}

async function answers(port: number, signal: AbortSignal): Promise<void> {
  let lastError: unknown;
  const tryOnce = async (): Promise<true | undefined> => {
    try {
      return (await isReady(port)) ? true : undefined;
    } catch (error) {
      lastError = error;
      return undefined;
    }
  };
  const what = `an answer on port ${port}`;
  await waitFor(tryOnce, { what, timeoutMs: readyTimeoutMs, signal, lastError: () => lastError });
}

async function isReady(port: number): Promise<boolean> {
  // gRPC waits a second after a refused connection; a plain socket does not.
  await tryConnect('127.0.0.1', port);
  const address = `127.0.0.1:${port}`;
  const connection = await Connection.connect({ address, connectTimeout: '2s' });
  try {
    await connection.workflowService.describeNamespace({ namespace });
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    return projectAttribute in (customAttributes ?? {});
  } finally {
    await connection.close();
  }
}
