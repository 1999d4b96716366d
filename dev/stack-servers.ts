import { besideDatabase } from '../graph/environment.ts';
import { ensureDatabase } from './databases.ts';
import type { Home } from './home.ts';
import type { Ports } from './ports.ts';
import { postgresUrl, startPostgres } from './postgres.ts';
import { findPostgresBinaries } from './postgres-binaries.ts';
import { choosePlace } from './postgres-place.ts';
import type { Secrets } from './secrets.ts';
import { type StackReport, timed } from './stack-report.ts';
import type { Supervisor } from './supervisor.ts';
import { checkTemporalAddress, startTemporal } from './temporal.ts';

export interface ServerContext {
  readonly home: Home;
  readonly env: NodeJS.ProcessEnv;
  readonly ports: Ports;
  readonly secrets: Secrets;
  readonly supervisor: Supervisor;
  readonly report: StackReport;
}

export interface DatabaseUrls {
  readonly databaseUrl: string;
  readonly warehouseUrl: string;
}

export interface TemporalServer {
  readonly address: string;
  /** null where the server was given. */
  readonly uiUrl: string | null;
}

/** Starts Postgres, or takes the one of DATABASE_URL, and makes the databases that are missing. */
export async function providePostgres(context: ServerContext): Promise<DatabaseUrls> {
  const { env, ports, report } = context;
  const given = env.DATABASE_URL;
  const password = context.secrets.postgresPassword;
  const url = (database: string) => postgresUrl({ port: ports.postgres, password, database });
  const databaseUrl = given || url('graphrun');
  const warehouseUrl = env.WAREHOUSE_URL || besideDatabase(databaseUrl);
  const { ms } = await timed(async () => {
    if (!given) await startOwnPostgres(context);
    await ensureDatabase(databaseUrl);
    await ensureDatabase(warehouseUrl);
  });
  report.step('postgres', given ? 'found, from DATABASE_URL,' : 'ready', ms, new URL(databaseUrl).host);
  return { databaseUrl, warehouseUrl };
}

/** Starts Temporal's dev server, or takes the one of TEMPORAL_ADDRESS. */
export async function provideTemporal(context: ServerContext, cli: string | null): Promise<TemporalServer> {
  const { home, env, ports, supervisor, report } = context;
  const given = env.TEMPORAL_ADDRESS;
  if (given) {
    const { ms } = await timed(() => checkTemporalAddress(given));
    report.step('temporal', 'found, from TEMPORAL_ADDRESS,', ms, given);
    return { address: given, uiUrl: null };
  }
  if (cli === null) throw new Error('Without TEMPORAL_ADDRESS a Temporal CLI is needed to start a server.');
  const options = { home, cli, port: ports.temporal, uiPort: ports.temporalUi, dbFile: home.temporalDb };
  const { ms } = await timed(() => supervisor.start('temporal', () => startTemporal(options)));
  const address = `127.0.0.1:${ports.temporal}`;
  report.step('temporal', 'ready', ms, address);
  return { address, uiUrl: `http://127.0.0.1:${ports.temporalUi}` };
}

async function startOwnPostgres(context: ServerContext): Promise<void> {
  const { home, ports, secrets, supervisor, report } = context;
  const place = choosePlace({
    homeDir: home.postgres,
    binaries: findPostgresBinaries(),
    key: secrets.postgresPassword,
    note: (text) => report.note('postgres', text),
  });
  const logFile = `${home.logs}/postgres.log`;
  const options = { place, port: ports.postgres, password: secrets.postgresPassword, logFile };
  await supervisor.start('postgres', () => startPostgres(options));
}
