// Whoever ends or supersedes a job run shuts its attempts out of the warehouse first, and writes the row then: a frozen
// worker that wakes up later can publish nothing any more.
import type pg from 'pg';
import type { JobRunRow, RecordedOutput } from '../graph/transitions.ts';
import type { Database } from './database.ts';
import { recordOutput } from './outputs.ts';

/** A job run that has begun and not ended. */
export interface BegunJobRun {
  readonly project: string;
  readonly jobRunId: string;
  readonly epoch: number;
  /** Above those of all its attempts. */
  readonly token: bigint;
  /** How many attempts had begun. */
  readonly attempts: number;
}

/** Raises the fences; resolves with what was published before that: outputs as JSON, by job run. */
export type ShutOutAttempts = (begun: readonly BegunJobRun[]) => Promise<ReadonlyMap<string, string>>;

/** What was shut out, for the write that follows. */
export interface ShutOut {
  /**
   * What a job run had published before its attempts were shut out: then it has succeeded, whatever else is told of it.
   * @throws where an attempt began since: then all is done again
   */
  publishedBy(row: JobRunRow): RecordedOutput | undefined;
}

/** For rows of which no attempt can have begun, and for writes that supersede nothing. */
export const nothingShutOut: ShutOut = { publishedBy: () => undefined };

class AttemptBegan extends Error {}

/** Among job runs, by id, those that an open Task carries out: what an execution that is superseded asks for ends nothing. */
export async function begunAmong(
  client: Queries,
  runId: string,
  ids: readonly string[],
): Promise<BegunJobRun[]> {
  if (ids.length === 0) return [];
  const ofTask = 'SELECT FROM task t WHERE t.run_id = $2 AND t.closed_at IS NULL AND t.epoch = r.epoch';
  return readBegun(client, `r.id = ANY ($1::uuid[]) AND EXISTS (${ofTask})`, [ids, runId]);
}

/** Those of the run that an open Task carries out. */
export function begunOfTask(client: Queries, runId: string): Promise<BegunJobRun[]> {
  const ofTask = `r.id IN (
    SELECT j.id FROM task t JOIN job_run j ON j.graph_run_id = t.graph_run_id OR j.id = t.job_run_id
    WHERE t.run_id = $1 AND t.closed_at IS NULL)`;
  return readBegun(client, ofTask, [runId]);
}

/** Shuts out what `find` finds, then runs `write` in a transaction. */
export async function afterShutOut<Result>(
  database: Database,
  shutOut: ShutOutAttempts,
  find: (client: Queries) => Promise<BegunJobRun[]>,
  write: (client: pg.PoolClient, shut: ShutOut) => Promise<Result>,
): Promise<Result> {
  for (;;) {
    const begun = await find(database.pool);
    const published = begun.length > 0 ? await shutOut(begun) : new Map<string, string>();
    const attempts = new Map(begun.map((jobRun) => [jobRun.jobRunId, jobRun.attempts]));
    const publishedBy = (row: JobRunRow): RecordedOutput | undefined => {
      if (row.attempts > (attempts.get(row.id) ?? 0)) throw new AttemptBegan();
      const text = published.get(row.id);
      return text === undefined ? undefined : recordOutput(text);
    };
    try {
      return await database.transaction((client) => write(client, { publishedBy }));
    } catch (error) {
      if (!(error instanceof AttemptBegan)) throw error;
    }
  }
}

type Queries = Pick<pg.Pool | pg.ClientBase, 'query'>;

/** `where` holds for job runs `r` as long as the execution that ends or supersedes them is the one to do so. */
export async function readBegun(
  client: Queries,
  where: string,
  values: readonly unknown[],
): Promise<BegunJobRun[]> {
  const from = `FROM job_run r JOIN project p ON p.id = r.project_id
    WHERE ${where} AND r.completed_at IS NULL AND r.attempts > 0`;
  const found = await client.query<{
    id: string;
    project: string;
    epoch: number;
    attempts: number;
    token: string;
  }>(`SELECT r.id, p.name AS project, r.epoch, r.attempts, nextval('fence_token')::text AS token ${from}`, [
    ...values,
  ]);
  if (found.rows.length === 0) return [];
  // Looked at again after the tokens were taken: those of attempts in a later epoch are higher then, and stay in.
  const still = await client.query<{ id: string }>(`SELECT r.id ${from}`, [...values]);
  const ids = new Set(still.rows.map(({ id }) => id));
  return found.rows
    .filter(({ id }) => ids.has(id))
    .map(({ id, token, ...row }) => ({ jobRunId: id, token: BigInt(token), ...row }));
}
