import { join } from 'node:path';
import { ensureDatabase } from './databases.ts';
import type { Home } from './home.ts';
import { choosePorts } from './ports.ts';
import { postgresUrl, startPostgres } from './postgres.ts';
import { findPostgresBinaries } from './postgres-binaries.ts';
import { choosePlace } from './postgres-place.ts';
import { makeScratchHome } from './scratch-home.ts';
import { loadSecrets } from './secrets.ts';

export interface ScratchPostgres {
  url(database: string): string;
  stop(): Promise<void>;
}

// Its data need not outlive a crash.
const hasty = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/** Starts a Postgres in a home whose data need not outlive a crash: for tests, and for a passing use. */
export async function startScratchPostgres(home: Home): Promise<ScratchPostgres> {
  const { postgresPassword: password } = loadSecrets(home.secretsFile);
  const place = choosePlace({ homeDir: home.postgres, binaries: findPostgresBinaries(), key: password });
  const { postgres: port } = await choosePorts({ api: 0, temporal: 0, temporalUi: 0, postgres: 0 });
  const logFile = join(home.logs, 'postgres.log');
  const service = await startPostgres({ place, port, password, logFile, settings: hasty });
  return { url: (database) => postgresUrl({ port, password, database }), stop: () => service.stop() };
}

/** Gives the URL of an empty database on a Postgres that lasts for this use only. */
export async function withScratchPostgres<T>(use: (databaseUrl: string) => Promise<T>): Promise<T> {
  const scratch = await makeScratchHome();
  try {
    const server = await startScratchPostgres(scratch.home);
    try {
      const url = server.url('scratch');
      await ensureDatabase(url);
      return await use(url);
    } finally {
      await server.stop();
    }
  } finally {
    scratch.remove();
  }
}
