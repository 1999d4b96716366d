import { CodedError } from '../graph/errors.ts';
import { createRuns } from './all-runs.ts';
import { createApiKeys } from './api-keys.ts';
import { createBackfills } from './backfills.ts';
import { createCancels } from './cancel-runs.ts';
import { createCheckpoints } from './checkpoints.ts';
import { openDatabase } from './database.ts';
import { translateDatabaseError, translateErrors } from './database-errors.ts';
import { createEpochs } from './epochs.ts';
import { createEvents } from './event-feed.ts';
import { createExecution } from './execution.ts';
import { createFiles } from './files.ts';
import type { Granted } from './granted.ts';
import { createGraphCache } from './graph-cache.ts';
import { createGraphRuns } from './graph-runs.ts';
import { createGraphs } from './graphs.ts';
import { createHousekeeping } from './housekeeping.ts';
import { createJobRuns } from './job-runs.ts';
import { createJobs } from './jobs.ts';
import { createLeases } from './leases.ts';
import { createMarks } from './mark-jobs.ts';
import { createMetrics } from './metrics.ts';
import { createPastRuns } from './past-runs.ts';
import { createPauses } from './pause-runs.ts';
import { grantLeft } from './pool-grants.ts';
import { createPools } from './pools.ts';
import { createProjects } from './projects.ts';
import { createRecorder } from './recorder.ts';
import { createResumes } from './resume-runs.ts';
import { createRetries } from './retry-jobs.ts';
import { createRunValues } from './run-values.ts';
import { createSchedules } from './schedules.ts';
import type { Store } from './store.ts';
import { createTombstones } from './tombstones.ts';
import { createWatching } from './watching.ts';

export type { Granted, GrantedJob } from './granted.ts';
export { AnsweredBefore } from './idempotency.ts';
export { jobRunIdOf } from './ids.ts';
export { recordOutput } from './outputs.ts';
export { invalidSchedule } from './schedules.ts';
export type { Store } from './store.ts';

const poolSizeDefault = 10;

export interface StoreOptions {
  readonly databaseUrl: string;
  readonly poolSize?: number;
  /** How long writes of attempts wait for a database that cannot be reached; 9 minutes unless told. */
  readonly outageMaxMs?: number;
  /** Hears of runs that were let in by a transaction of this store, once it is committed: they may be started at once. */
  readonly onGranted?: (granted: Granted) => void;
}

/** Opens the store; connections are made when they are first needed. */
export function createStore(options: StoreOptions): Store {
  const { onGranted = () => {} } = options;
  const database = openDatabase(options.databaseUrl, options.poolSize ?? poolSizeDefault, (granted) => {
    // Where that fails, the watch does it.
    for (const left of granted.left) grantLeft(database, left).catch(() => {});
    onGranted(granted);
  });
  const cache = createGraphCache();
  const epochs = createEpochs(database.pool);
  const graphs = translateErrors(createGraphs(database, cache));
  return {
    projects: translateErrors(createProjects(database)),
    graphs,
    jobs: translateErrors(createJobs(database)),
    graphRuns: translateErrors(createGraphRuns(database, graphs, cache)),
    jobRuns: translateErrors(createJobRuns(database, graphs, cache)),
    resumes: translateErrors(createResumes(database, cache)),
    cancels: translateErrors(createCancels(database, cache)),
    marks: translateErrors(createMarks(database, cache)),
    pauses: translateErrors(createPauses(database)),
    retries: translateErrors(createRetries(database, cache)),
    runs: translateErrors(createRuns(database, graphs)),
    schedules: translateErrors(createSchedules(database, cache)),
    pastRuns: translateErrors(createPastRuns(database)),
    backfills: translateErrors(createBackfills(database, cache)),
    files: translateErrors(createFiles(database)),
    apiKeys: translateErrors(createApiKeys(database)),
    pools: translateErrors(createPools(database)),
    checkpoints: translateErrors(createCheckpoints(database)),
    events: translateErrors(createEvents(database)),
    metrics: translateErrors(createMetrics(database)),
    tombstones: translateErrors(createTombstones(database)),
    housekeeping: translateErrors(createHousekeeping(database)),
    leases: translateErrors(createLeases(database)),
    execution: translateErrors(createExecution(database, cache, epochs)),
    watch: translateErrors(createWatching(database, cache)),
    recorder: translateErrors(createRecorder(database, epochs, options)),
    values: translateErrors(createRunValues(database)),
    ping: async () => {
      try {
        await database.pool.query('SELECT FROM event_counter');
      } catch (error) {
        const translated = translateDatabaseError(error);
        if (translated instanceof CodedError) throw translated;
        const message =
          'The metadata database has no schema, or another one; apply the migrations of prisma/migrations.';
        throw new CodedError('STORE_UNAVAILABLE', message, { cause: error });
      }
    },
    close: () => database.close(),
  };
}
