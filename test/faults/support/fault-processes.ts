import { join } from 'node:path';
import { checkout, type Home } from '../../../dev/home.ts';
import { startNodeService } from '../../../dev/node-service.ts';
import { choosePorts, type Ports } from '../../../dev/ports.ts';
import { postgresUrl, startPostgres } from '../../../dev/postgres.ts';
import { findPostgresBinaries } from '../../../dev/postgres-binaries.ts';
import { choosePlace } from '../../../dev/postgres-place.ts';
import { loadSecrets } from '../../../dev/secrets.ts';
import { startTemporal, type TemporalOptions } from '../../../dev/temporal.ts';
import { FaultProcess } from './fault-process.ts';

/** Where the processes of one stack find each other, from first to last. */
export interface Addresses {
  readonly ports: Ports;
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly databaseUrl: string;
  readonly warehouseUrl: string;
  readonly temporalAddress: string;
}

export async function chooseAddresses(home: Home): Promise<Addresses> {
  const ports = await choosePorts({ api: 0, temporal: 0, temporalUi: 0, postgres: 0 });
  const { postgresPassword: password, apiKey } = loadSecrets(home.secretsFile);
  const url = (database: string) => postgresUrl({ port: ports.postgres, password, database });
  return {
    ports,
    apiKey,
    apiUrl: `http://127.0.0.1:${ports.api}`,
    databaseUrl: url('graphrun'),
    warehouseUrl: url('warehouse'),
    temporalAddress: `127.0.0.1:${ports.temporal}`,
  };
}

/** Postgres with its durable settings; killed as `pg_ctl -m immediate stop` does, which leaves no child behind. */
export function postgresProcess(home: Home, { ports }: Addresses): FaultProcess {
  const { postgresPassword: password } = loadSecrets(home.secretsFile);
  const place = choosePlace({ homeDir: home.postgres, binaries: findPostgresBinaries(), key: password });
  const options = { place, password, port: ports.postgres, logFile: join(home.logs, 'postgres.log') };
  return new FaultProcess({
    name: 'postgres',
    start: () => startPostgres(options),
    killSignal: 'SIGQUIT',
  });
}

/** Temporal's dev server, which keeps all it knows in a file. */
export function temporalProcess(
  home: Home,
  { ports }: Addresses,
  { cli, settings }: Pick<TemporalOptions, 'cli' | 'settings'>,
): FaultProcess {
  const { temporal: port, temporalUi: uiPort } = ports;
  const options: TemporalOptions = {
    ...{ home, cli, port, uiPort, dbFile: home.temporalDb },
    ...(settings && { settings }),
  };
  return new FaultProcess({ name: 'temporal', start: () => startTemporal(options) });
}

/** A process of ours. `env` is laid over the stack's own. */
export function nodeProcess(
  home: Home,
  addresses: Addresses,
  options: { readonly name: string; readonly script: string; readonly env: NodeJS.ProcessEnv },
): FaultProcess {
  const { name, script } = options;
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    DATABASE_URL: addresses.databaseUrl,
    WAREHOUSE_URL: addresses.warehouseUrl,
    TEMPORAL_ADDRESS: addresses.temporalAddress,
    TEMPORAL_NAMESPACE: 'default',
    PORT: String(addresses.ports.api),
    GRAPHRUN_HOME: home.dir,
    ...options.env,
  };
  const start = (given: NodeJS.ProcessEnv) =>
    startNodeService({ name, script: join(checkout, script), home, env: { ...env, ...given } });
  return new FaultProcess({ name, start });
}
