import type pg from 'pg';
import type { AttemptWarehouse, Staging } from './attempt-warehouse.ts';
import { checkFence, clearStaging, dropStaging, findPublished, raiseFence, superseded } from './fence.ts';
import { checkDataset, qualify, sessionName, stagingTable } from './names.ts';
import type { Platform } from './platform.ts';
import type { ProjectReady } from './projects.ts';
import { publishStaged } from './publish.ts';
import { Session } from './session.ts';
import { createStaging } from './staging.ts';
import { isAway, orUnavailable } from './unavailable.ts';

export interface OpenAttempt {
  readonly project: string;
  readonly jobRunId: string;
  readonly epoch: number;
  /** From the metadata's one sequence: higher than that of every attempt before. */
  readonly token: bigint;
  /** Aborts what runs for the attempt; its reason is thrown. */
  readonly signal: AbortSignal;
}

export interface Attempt {
  /** What an earlier attempt of this epoch published: then there is nothing left to do but to report it. */
  readonly published: { readonly output: unknown } | null;
  readonly warehouse: AttemptWarehouse;
  /**
   * Replaces the datasets by what was staged and records the output, all or nothing. May be called again when its
   * answer was lost.
   * @throws CodedError SUPERSEDED or DATASET_IN_USE: the old tables are untouched then; WAREHOUSE_UNAVAILABLE: it is not
   * known whether they are.
   */
  publish(output: unknown): Promise<void>;
  /**
   * Drops what was staged and closes the connection. May be called at any time, and twice. Where the warehouse cannot
   * be reached, the next attempt drops it, or the end of the job run.
   */
  discard(): Promise<void>;
}

export interface AttemptOptions extends OpenAttempt {
  readonly platform: Platform;
  readonly ready: ProjectReady;
  readonly publishWaitMs: number;
}

/**
 * Takes the job run's fence for this attempt, ends the ones before it, and opens its part of the warehouse.
 * @throws CodedError SUPERSEDED when a newer attempt has the fence.
 */
export async function openAttempt(options: AttemptOptions): Promise<Attempt> {
  const { platform, ready, jobRunId, epoch, signal } = options;
  const { pool } = platform;
  signal.throwIfAborted();
  if (!(await raiseFence(pool, options))) throw superseded(options);
  // Its own too: what it had staged when it lost its connections, before it began again.
  await clearStaging(pool, [{ jobRunId, token: options.token + 1n }]);
  const published = (await findPublished(pool, [options])).get(jobRunId);
  const connection = createConnection(options);
  const staged = new Map<string, { name: string; staging: Staging }>();

  return {
    published: published === undefined ? null : { output: JSON.parse(published) as unknown },
    warehouse: {
      tableOf(dataset) {
        checkDataset(dataset);
        return qualify(ready.schema, dataset);
      },
      async stage(dataset) {
        checkDataset(dataset);
        const known = staged.get(dataset);
        if (known) return known.staging;
        const name = stagingTable(options, staged.size);
        const staging = createStaging({ dataset, name, schema: ready.stagingSchema, pool, ...connection });
        staged.set(dataset, { name, staging });
        return staging;
      },
    },
    async publish(output) {
      await connection.discardSession();
      const tables = [...staged].map(([dataset, { name }]) => ({ dataset, name }));
      const { token, publishWaitMs: waitMs } = options;
      const publication = { names: ready, jobRunId, epoch, token, output, staged: tables, signal, waitMs };
      await orUnavailable(() => publishStaged(pool, publication));
    },
    async discard() {
      await connection.discardSession();
      await dropStaged(pool, [...staged.values()]);
    },
  };
}

async function dropStaged(pool: pg.Pool, staged: readonly { staging: Staging }[]): Promise<void> {
  try {
    for (const { staging } of staged) await dropStaging(pool, staging.table);
  } catch (error) {
    if (!isAway(error)) throw error;
  }
}

/** One connection at a time, opened when it is first needed. */
function createConnection(options: AttemptOptions) {
  let opened: Promise<Session> | undefined;
  return {
    session(): Promise<Session> {
      opened ??= openSession(options);
      // So that a later use tries to connect once more.
      opened.catch(() => {
        opened = undefined;
      });
      return opened;
    },
    async discardSession(): Promise<void> {
      const closing = opened;
      opened = undefined;
      const session = await closing?.catch(() => undefined);
      await session?.close();
    },
  };
}

/**
 * A newer attempt raises the fence, then ends the sessions that it sees; this one is seen before it looks at the fence.
 * So one of the two always finds the other.
 */
async function openSession(options: AttemptOptions): Promise<Session> {
  const { platform, ready, signal } = options;
  const session = await Session.open({
    url: projectUrl(platform.url, ready),
    platformUrl: platform.url,
    applicationName: sessionName(options),
    signal,
  });
  try {
    await orUnavailable(() => checkFence(platform.pool, options));
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}

function projectUrl(platformUrl: string, { role, password }: ProjectReady): string {
  const url = new URL(platformUrl);
  url.username = encodeURIComponent(role);
  url.password = encodeURIComponent(password);
  return url.toString();
}
