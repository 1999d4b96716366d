import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Home, openHome } from './home.ts';
import { lockHolder, lockHome } from './home-lock.ts';
import { endPostgresOrphan } from './postgres.ts';
import { clearPlace, existingDataDir } from './postgres-place.ts';
import { loadSecrets } from './secrets.ts';
import { endTemporalOrphan } from './temporal.ts';

export interface ScratchHome {
  readonly home: Home;
  /** Deletes it; what runs on it has to be ended before. */
  remove(): void;
}

const prefix = 'graphrun-scratch-';

/** Makes a home in the temporary folder for one use, and clears away those that killed processes left there. */
export async function makeScratchHome(): Promise<ScratchHome> {
  await sweepScratchHomes();
  const dir = mkdtempSync(join(tmpdir(), prefix));
  // The user of Postgres has to pass through.
  if (process.getuid?.() === 0) chmodSync(dir, 0o755);
  const home = openHome(dir);
  const lock = lockHome(home);
  const remove = () => {
    removeHome(home);
    lock.release();
  };
  return { home, remove };
}

async function sweepScratchHomes(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(prefix))) {
    const dir = join(tmpdir(), name);
    // One without a marker is just being made, or is not ours.
    if (!existsSync(join(dir, 'graphrun-home')) || !existsSync(join(dir, 'lock'))) continue;
    const home = openHome(dir);
    if (lockHolder(home) !== undefined) continue;
    const { postgresPassword: key } = loadSecrets(home.secretsFile);
    await endPostgresOrphan(existingDataDir({ homeDir: home.postgres, key }));
    await endTemporalOrphan(home);
    removeHome(home);
  }
}

function removeHome(home: Home): void {
  const { postgresPassword: key } = loadSecrets(home.secretsFile);
  clearPlace({ homeDir: home.postgres, key });
  rmSync(home.dir, { recursive: true, force: true });
}
