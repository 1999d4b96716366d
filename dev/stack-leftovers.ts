import { clearHome, type Home } from './home.ts';
import { endNodeOrphan } from './node-service.ts';
import { endPostgresOrphan } from './postgres.ts';
import { clearPlace, existingDataDir } from './postgres-place.ts';
import { loadSecrets } from './secrets.ts';
import type { StackReport } from './stack-report.ts';
import { endTemporalOrphan } from './temporal.ts';

/** Ends what an earlier start of this home left running when it was killed. The caller holds the home's lock. */
export async function endOrphans(home: Home, report: StackReport): Promise<void> {
  const dataDir = existingDataDir({ homeDir: home.postgres, key: dataKey(home) });
  const ended = {
    worker: await endNodeOrphan(home, 'worker'),
    api: await endNodeOrphan(home, 'api'),
    temporal: await endTemporalOrphan(home),
    postgres: await endPostgresOrphan(dataDir),
  };
  for (const [name, pid] of Object.entries(ended)) {
    if (pid !== undefined) report.note(name, `process ${pid}, left by a start that was killed, is ended`);
  }
}

/** Deletes the data of a home, on which nothing runs. */
export function clearData(home: Home, report: StackReport): void {
  clearPlace({ homeDir: home.postgres, key: dataKey(home) });
  const left = clearHome(home);
  report.note('stack', `the data in ${home.dir} is deleted`);
  if (left.length > 0) report.note('stack', `not made by Graphrun and left there: ${left.join(', ')}`);
}

// A broken secrets.json stops the start later, with a message that names --fresh as the way out: here it must not.
function dataKey(home: Home): string {
  try {
    return loadSecrets(home.secretsFile).postgresPassword;
  } catch {
    return 'unknown';
  }
}
