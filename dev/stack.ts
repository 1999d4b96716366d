import { both } from './both.ts';
import { type Home, openHome } from './home.ts';
import { lockHome } from './home-lock.ts';
import { ensureLocalApiKey } from './local-api-key.ts';
import { describeMigrations, migrate } from './migrate.ts';
import { choosePorts, defaultPorts, type PortName, type Ports } from './ports.ts';
import { loadSecrets, type Secrets } from './secrets.ts';
import { supervisorEvents } from './stack-events.ts';
import { removeStackFile, type StackInfo, writeStackFile } from './stack-file.ts';
import { clearData, endOrphans } from './stack-leftovers.ts';
import { type Scripts, startProcesses } from './stack-processes.ts';
import { type StackReport, silentReport, timed } from './stack-report.ts';
import { type DatabaseUrls, providePostgres, provideTemporal } from './stack-servers.ts';
import { Supervisor } from './supervisor.ts';
import { findTemporalCli } from './temporal-cli.ts';
import { ensureTemporalCli } from './temporal-install.ts';

export interface StackOptions {
  /** The folder that keeps the stack's data. */
  readonly home: string;
  /** Delete that data first. */
  readonly fresh?: boolean;
  /** Wanted ports; 0 asks for any free one. */
  readonly ports?: Partial<Ports>;
  /** Of these a wanted port that is in use ends the start, in place of the next free one. */
  readonly firmPorts?: readonly PortName[];
  readonly env?: NodeJS.ProcessEnv;
  readonly report?: StackReport;
  /** Aborts the start at its next step; what was started is ended. */
  readonly signal?: AbortSignal;
  /** Entry points of the two processes, where a test puts others in their place. */
  readonly scripts?: Scripts;
}

export interface Stack {
  /** As it is now: pids change when a service is started again. */
  readonly info: StackInfo;
  /** Ends worker and API, then Temporal, then Postgres. May be called more than once. */
  stop(): Promise<void>;
}

/**
 * Starts the whole local stack and writes its `stack.json`. When a part fails to start, all that was started is ended
 * before the error is thrown.
 * @throws StackRunningError when a stack of this home is up
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const env = options.env ?? process.env;
  const report = options.report ?? silentReport;
  // Before anything runs: it may take minutes.
  const cli = await provideCli(env, report);
  const home = openHome(options.home);
  const lock = lockHome(home);
  const state: { info?: StackInfo } = {};
  const supervisor = new Supervisor(supervisorEvents(report, () => refreshInfo(home, state, supervisor)));
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= stopAll(supervisor).finally(() => {
      removeStackFile(home.stackFile);
      lock.release();
    });
    return stopping;
  };
  try {
    await endOrphans(home, report);
    if (options.fresh) clearData(home, report);
    state.info = await startAll({ ...options, env, report, home, supervisor, cli });
    refreshInfo(home, state, supervisor);
  } catch (error) {
    await stop();
    throw error;
  }
  const { info } = state;
  return {
    get info() {
      return state.info ?? info;
    },
    stop,
  };
}

interface StartContext extends Omit<StackOptions, 'home'> {
  readonly env: NodeJS.ProcessEnv;
  readonly report: StackReport;
  readonly home: Home;
  readonly supervisor: Supervisor;
  readonly cli: string | null;
}

async function startAll(context: StartContext): Promise<StackInfo> {
  const { env, report, home, supervisor, signal } = context;
  const secrets = loadSecrets(home.secretsFile);
  const ports = await choosePorts({ ...defaultPorts, ...context.ports }, (name, wanted, used) => {
    if (context.firmPorts?.includes(name)) throw portTaken(wanted);
    report.note(name === 'temporalUi' ? 'temporal' : name, `port ${wanted} is in use; taking ${used}`);
  });
  const servers = { home, env, ports, secrets, supervisor, report };
  const [urls, temporal] = await both(providePostgres(servers), provideTemporal(servers, context.cli));
  signal?.throwIfAborted();
  await prepareMetadata(urls, secrets, report);
  signal?.throwIfAborted();
  const apiUrl = await startProcesses({ ...context, urls, temporal, port: ports.api });
  signal?.throwIfAborted();
  return {
    pid: process.pid,
    apiUrl,
    apiKey: secrets.apiKey,
    temporalAddress: temporal.address,
    temporalUiUrl: temporal.uiUrl,
    temporalCli: context.cli,
    ...urls,
    pids: supervisor.pids(),
  };
}

function portTaken(port: number): Error {
  return new Error(
    `Port ${port}, which PORT asks for, is in use. End what uses it, or set PORT to another one (0: any free port).`,
  );
}

async function prepareMetadata(urls: DatabaseUrls, secrets: Secrets, report: StackReport): Promise<void> {
  const { value: applied, ms } = await timed(() => migrate(urls.databaseUrl));
  if (applied.length > 0) report.step('database', 'migrated', ms, describeMigrations(applied));
  await ensureLocalApiKey(urls.databaseUrl, secrets.apiKey);
}

async function stopAll(supervisor: Supervisor): Promise<void> {
  await both(supervisor.stop('worker'), supervisor.stop('api'));
  await supervisor.stop('temporal');
  await supervisor.stop('postgres');
}

function refreshInfo(home: Home, state: { info?: StackInfo }, supervisor: Supervisor): void {
  if (state.info === undefined) return;
  state.info = { ...state.info, pids: supervisor.pids() };
  writeStackFile(home.stackFile, state.info);
}

async function provideCli(env: NodeJS.ProcessEnv, report: StackReport): Promise<string | null> {
  const note = (text: string) => report.note('temporal', text);
  if (env.TEMPORAL_ADDRESS) return (await findTemporalCli({ env, note }))?.path ?? null;
  const progress = (text: string) => report.progress('temporal', text);
  return (await ensureTemporalCli({ env, note, progress })).path;
}
