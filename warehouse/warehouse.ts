import { type Attempt, type OpenAttempt, openAttempt } from './attempt.ts';
import { clearStaging, closeFence, findPublished, raiseFences } from './fence.ts';
import { createKnownProjects } from './known-projects.ts';
import { namesOf } from './names.ts';
import { openPlatform } from './platform.ts';
import { makeTables, type Prepared, prepare } from './prepare.ts';
import { type Preview, previewDataset } from './preview.ts';
import { dropProject } from './projects.ts';
import { orUnavailable } from './unavailable.ts';

export interface WarehouseOptions {
  /** A user that may create roles and owns the database; with its password. */
  readonly url: string;
  readonly poolSize: number;
  /** How long a publish waits for readers of the old tables; 5 minutes unless told. */
  readonly publishWaitMs?: number;
}

export interface ShutOut {
  readonly project: string;
  readonly jobRunId: string;
  readonly epoch: number;
  /** From the metadata's sequence. */
  readonly token: bigint;
}

/** The warehouse as the platform sees it. User SQL never runs on these connections. */
export interface Warehouse {
  /** Makes what all projects share. Call it once at the start of a process; several may do so at once. */
  prepare(): Promise<Prepared>;
  /** Makes the project's schemas and role, once per process. */
  ensureProject(project: string): Promise<{ readonly warnings: readonly string[] }>;
  /** @throws CodedError SUPERSEDED, WAREHOUSE_UNAVAILABLE */
  openAttempt(options: OpenAttempt): Promise<Attempt>;
  /**
   * Shuts out an attempt whose publish ended with an error: it does not come through after this. Resolves with the output,
   * as JSON, when it had come through; else with null.
   * @throws CodedError WAREHOUSE_UNAVAILABLE
   */
  withdraw(attempt: Omit<ShutOut, 'project'>): Promise<string | null>;
  /**
   * Shuts out every attempt with a lower token, for whoever ends or supersedes JobRuns; once it resolves, none of them
   * publishes any more. Ends their statements and drops their staging. Resolves with what was published before that, in
   * the epochs given: the output as JSON, by job run.
   */
  shutOut(jobRuns: readonly ShutOut[]): Promise<ReadonlyMap<string, string>>;
  /** @throws CodedError DATASET_UNKNOWN */
  previewDataset(project: string, dataset: string, limit: number): Promise<Preview>;
  /**
   * Drops all that a deleted project has here, and shuts out all its attempts: those with lower tokens. Doing it again with
   * the same token changes nothing.
   * @throws CodedError DATASET_IN_USE, WAREHOUSE_UNAVAILABLE
   */
  dropProject(project: string, token: bigint): Promise<void>;
  close(): Promise<void>;
}

/** Opens no connection before one is needed. */
export function createWarehouse({ url, poolSize, publishWaitMs = 300_000 }: WarehouseOptions): Warehouse {
  const platform = openPlatform(url, poolSize);
  const { pool } = platform;
  const projects = createKnownProjects(platform);
  let tables: Promise<void> | undefined;
  let closed: Promise<void> | undefined;

  /** Once a process that does not prepare it: perhaps nobody has, or an earlier version was the last. */
  function haveTables(): Promise<void> {
    tables ??= makeTables(pool).catch((error: unknown) => {
      tables = undefined;
      throw error;
    });
    return tables;
  }

  return {
    prepare: () => prepare(platform),
    async ensureProject(project) {
      const { warnings } = await projects.ready(project);
      return { warnings };
    },
    async openAttempt(options) {
      return orUnavailable(async () => {
        const ready = await projects.readyFor(options);
        return openAttempt({ ...options, platform, ready, publishWaitMs });
      });
    },
    withdraw: (attempt) =>
      orUnavailable(async () => {
        await closeFence(pool, attempt);
        return (await findPublished(pool, [attempt])).get(attempt.jobRunId) ?? null;
      }),
    shutOut: (jobRuns) =>
      orUnavailable(async () => {
        if (jobRuns.length === 0) return new Map();
        await haveTables();
        await raiseFences(pool, jobRuns);
        await clearStaging(pool, jobRuns);
        return findPublished(pool, jobRuns);
      }),
    previewDataset: (project, dataset, limit) =>
      previewDataset(pool, namesOf(project, platform.database), dataset, limit),
    dropProject: (project, token) =>
      orUnavailable(async () => {
        projects.forget(project);
        await haveTables();
        await dropProject(platform, project, token);
      }),
    close() {
      closed ??= pool.end();
      return closed;
    },
  };
}
