import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { cleanEnv, initData, superuser } from './postgres-data.ts';
import type { PostgresPlace } from './postgres-place.ts';
import { commandLine, hasCode, terminate } from './processes.ts';
import { type Service, type SpawnedService, spawnService, untilReady } from './service.ts';
import { waitFor } from './wait-for.ts';

export interface PostgresOptions {
  readonly place: PostgresPlace;
  readonly port: number;
  readonly password: string;
  readonly logFile: string;
  /** Settings beside ours, as in { fsync: 'off' }. */
  readonly settings?: Readonly<Record<string, string>>;
}

const readyTimeoutMs = 60_000;
const stopGraceMs = 20_000;

/**
 * Starts the embedded Postgres and returns when it answers; makes its data folder first when there is none, and ends
 * the server that a killed start left on it. It listens on 127.0.0.1 only and asks for the password.
 */
export async function startPostgres(options: PostgresOptions): Promise<Service> {
  await initData(options);
  await endPostgresOrphan(options.place.dataDir);
  const retryUntil = performance.now() + 10_000;
  for (;;) {
    const service = await spawnPostgres(options);
    try {
      await untilReady(service, (signal) => answers(options, signal));
      return service;
    } catch (error) {
      // After a SIGKILL its children need a moment to notice; until then a new server refuses to start.
      const lingering = error instanceof Error && error.message.includes('pre-existing shared memory block');
      if (!lingering || performance.now() > retryUntil) throw error;
    }
  }
}

/** The URL of one of its databases, for the superuser. */
export function postgresUrl(options: { port: number; password: string; database: string }): string {
  const { port, password, database } = options;
  return `postgresql://${superuser}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
}

/** Ends the server that runs on this data folder, if one does, and returns its pid. */
export async function endPostgresOrphan(dataDir: string): Promise<number | undefined> {
  const file = join(dataDir, 'postmaster.pid');
  const pid = readPid(file);
  const command = pid === undefined ? undefined : commandLine(pid);
  if (pid === undefined || command === undefined) return undefined;
  if (!command.includes(dataDir)) {
    // The pid is another program's now; Postgres would take it for a running server of the same user and refuse.
    rmSync(file, { force: true });
    return undefined;
  }
  await terminate(pid, { signal: 'SIGINT', graceMs: stopGraceMs });
  return pid;
}

function spawnPostgres(options: PostgresOptions): Promise<SpawnedService> {
  const { place } = options;
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(options.port),
    unix_socket_directories: '',
    shared_preload_libraries: 'pg_stat_statements',
    max_connections: '200',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_line_prefix: '%m [%p] %d ',
    log_checkpoints: 'off',
    ...options.settings,
  };
  return spawnService({
    name: 'postgres',
    command: join(place.binDir, 'postgres'),
    args: [
      '-D',
      place.dataDir,
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    cwd: '/',
    env: cleanEnv,
    logFile: options.logFile,
    stopSignal: 'SIGINT',
    stopGraceMs,
    // Its immediate shutdown, which takes its children along; the next start recovers.
    killSignal: 'SIGQUIT',
    ...(place.user && { user: place.user }),
  });
}

async function answers(options: PostgresOptions, signal: AbortSignal): Promise<void> {
  let lastError: unknown;
  const connectionString = postgresUrl({ ...options, database: 'postgres' });
  const tryOnce = async (): Promise<true | undefined> => {
    const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5_000 });
    client.on('error', () => {});
    try {
      await client.connect();
      return true;
    } catch (error) {
      lastError = error;
      // A wrong password does not become right by waiting.
      if (hasCode(error, '28P01')) throw error;
      return undefined;
    } finally {
      await client.end();
    }
  };
  const what = `an answer on port ${options.port}`;
  await waitFor(tryOnce, {
    what,
    timeoutMs: readyTimeoutMs,
    everyMs: 15,
    signal,
    lastError: () => lastError,
  });
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
