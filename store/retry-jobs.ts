// Retries now: a job that waits for its next attempt is not to wait any longer. The request is kept on the job's row, and
// counts for the attempt that it is about; Temporal is told afterwards, and again until that has begun (watch/).
import type pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import type { JobRunDetail } from '../graph/resources.ts';
import { isFinal, type RunState } from '../graph/states.ts';
import type { Database } from './database.ts';
import type { GraphCache } from './graph-cache.ts';
import { answerOnce } from './idempotency.ts';
import { isId } from './ids.ts';
import { readJobRun, unknownJobRun } from './job-runs.ts';
import type { Once } from './store.ts';

export interface NewRetry {
  readonly id: string;
  readonly note: string | null;
  readonly actor: string;
  /** Who holds it by a pause in Temporal, and the command that ends that. */
  readonly heldBy?: string | null;
}

export interface RetryToTell {
  readonly jobRunId: string;
  readonly job: string;
  readonly workflowId: string;
  /** Of the execution whose activity waits. */
  readonly runId: string;
  /** Whose request it is. */
  readonly by: string;
}

export type RetriedJobRun = JobRunDetail & { readonly toTell: RetryToTell | null };

export interface Retries {
  /**
   * Lets the next attempt of a job begin that waits for it. Asked again, it is answered alike.
   * @throws CodedError JOB_RUN_UNKNOWN, JOB_NOT_WAITING
   */
  ask(retry: NewRetry, once?: Once<RetriedJobRun>): Promise<RetriedJobRun>;
  /** Of jobs that wait all the same, by id: the page after the one that ended with `after`. */
  open(after: string | null, most: number): Promise<RetryToTell[]>;
}

const selectOpen = `
  SELECT r.id AS "jobRunId", j.key AS job, t.workflow_id AS "workflowId", t.run_id AS "runId", r.updated_by AS by
  FROM job_run r JOIN job j ON j.id = r.job_id
    JOIN task t ON (t.graph_run_id = r.graph_run_id OR t.job_run_id = r.id) AND t.epoch = r.epoch AND t.closed_at IS NULL
  WHERE r.is_retry_asked`;

export function createRetries(database: Database, cache: GraphCache): Retries {
  return {
    ask: (retry, once) =>
      database.transaction((client) => answerOnce(client, once, () => askRetry(client, cache, retry))),
    open: async (after, most) => {
      const found = await database.pool.query<RetryToTell>(
        `${selectOpen} AND ($1::uuid IS NULL OR r.id > $1::uuid) ORDER BY r.id LIMIT $2`,
        [after, most],
      );
      return found.rows;
    },
  };
}

interface Row {
  readonly project: string;
  readonly job: string;
  readonly graphRunId: string | null;
  readonly state: RunState;
  readonly reason: string | null;
  readonly epoch: number;
  readonly attempts: number;
  readonly isCancelling: boolean;
  readonly isAsked: boolean;
}

async function askRetry(client: pg.ClientBase, cache: GraphCache, { id, note, actor, heldBy }: NewRetry) {
  if (!isId(id)) throw unknownJobRun(id);
  const found = await client.query<Row>(
    `SELECT p.name AS project, j.key AS job, r.graph_run_id AS "graphRunId", r.state, r.reason, r.epoch, r.attempts,
       r.is_cancelling OR coalesce((SELECT g.is_cancelling FROM graph_run g WHERE g.id = r.graph_run_id), false)
         AS "isCancelling", r.is_retry_asked AS "isAsked"
     FROM job_run r JOIN job j ON j.id = r.job_id JOIN project p ON p.id = r.project_id WHERE r.id = $1 FOR UPDATE OF r`,
    [id],
  );
  const [row] = found.rows;
  if (!row) throw unknownJobRun(id);
  const refusal = refusalOf(id, row, heldBy ?? null);
  if (refusal !== null) throw new CodedError('JOB_NOT_WAITING', refusal);
  const { project, job, graphRunId, epoch, attempts, isAsked } = row;
  if (!isAsked) {
    await client.query('UPDATE job_run SET retry_attempt = attempts, updated_by = $2 WHERE id = $1', [
      id,
      actor,
    ]);
  }
  const shown = await readJobRun(client, { load: (...of) => cache.load(client, ...of) }, id);
  const [toTell = null] = (await client.query<RetryToTell>(`${selectOpen} AND r.id = $1`, [id])).rows;
  const made: RetriedJobRun = { ...shown, toTell };
  const told = {
    type: 'retry',
    project,
    graphRunId,
    jobRunId: id,
    job,
    epoch,
    attempt: attempts,
    actor,
    note,
  } as const;
  return { made, events: isAsked ? [] : [told] };
}

/** Why it has no next attempt to wait for, and what to do. */
function refusalOf(
  id: string,
  { state, reason, job, graphRunId, isCancelling }: Row,
  heldBy: string | null,
): string | null {
  if (isFinal(state)) {
    const again =
      graphRunId === null
        ? 'the job can be run anew'
        : `once its run has ended, "graphrun resume ${graphRunId} --from ${job}" runs it again`;
    return `The job run ${id} has ended as ${[state, reason].filter(Boolean).join('/')}: ${again}.`;
  }
  if (isCancelling) return `The job run ${id} is to be cancelled: it gets no further attempt.`;
  if (state === 'RUNNING') return `The job run ${id} works at this moment; "graphrun cancel ${id}" stops it.`;
  if (reason === 'retry') return heldBy === null ? null : `The job run ${id} is ${heldBy}`;
  return `The job run ${id} has had no attempt that failed; "graphrun explain ${id}" tells what it waits for.`;
}
