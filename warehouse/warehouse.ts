import { type Attempt, type OpenAttempt, openAttempt } from './attempt.ts';
import { clearStaging, closeFence, findPublished, raiseFences } from './fence.ts';
import { namesOf } from './names.ts';
import { openPlatform } from './platform.ts';
import { type Prepared, prepare } from './prepare.ts';
import { type Preview, previewDataset } from './preview.ts';
import { dropProject, ensureProject, type ProjectReady } from './projects.ts';
import { orUnavailable } from './unavailable.ts';

export interface WarehouseOptions {
  /** A user that may create roles and owns the database; with its password. */
  readonly url: string;
  readonly poolSize: number;
  /** How long a publish waits for readers of the old tables; 5 minutes unless told. */
  readonly publishWaitMs?: number;
}

export interface ShutOut {
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
  withdraw(attempt: ShutOut): Promise<string | null>;
  /**
   * Shuts out every attempt with a lower token, for whoever ends or supersedes JobRuns; once it resolves, none of them
   * publishes any more. Ends their statements and drops their staging. Resolves with what was published before that, in
   * the epochs given: the output as JSON, by job run.
   */
  shutOut(jobRuns: readonly ShutOut[]): Promise<ReadonlyMap<string, string>>;
  /** @throws CodedError DATASET_UNKNOWN */
  previewDataset(project: string, dataset: string, limit: number): Promise<Preview>;
  /** @throws CodedError DATASET_IN_USE */
  dropProject(project: string): Promise<void>;
  close(): Promise<void>;
}

/** Opens no connection before one is needed. */
export function createWarehouse({ url, poolSize, publishWaitMs = 300_000 }: WarehouseOptions): Warehouse {
  const platform = openPlatform(url, poolSize);
  const { pool } = platform;
  const projects = new Map<string, Promise<ProjectReady>>();
  let closed: Promise<void> | undefined;

  function readyProject(project: string): Promise<ProjectReady> {
    const known = projects.get(project);
    if (known) return known;
    const made = ensureProject(platform, project);
    projects.set(project, made);
    made.catch(() => projects.delete(project));
    return made;
  }

  /** Another process may have dropped the project since this one made it. */
  async function findProject(project: string): Promise<ProjectReady> {
    const { rowCount } = await pool.query('select from graphrun.project where name = $1', [project]);
    if (rowCount === 0) projects.delete(project);
    return readyProject(project);
  }

  return {
    prepare: () => prepare(platform),
    async ensureProject(project) {
      const { warnings } = await readyProject(project);
      return { warnings };
    },
    async openAttempt(options) {
      return orUnavailable(async () => {
        const ready = await findProject(options.project);
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
        await raiseFences(pool, jobRuns);
        await clearStaging(pool, jobRuns);
        return findPublished(pool, jobRuns);
      }),
    previewDataset: (project, dataset, limit) =>
      previewDataset(pool, namesOf(project, platform.database), dataset, limit),
    async dropProject(project) {
      projects.delete(project);
      await dropProject(platform, project);
    },
    close() {
      closed ??= pool.end();
      return closed;
    },
  };
}
