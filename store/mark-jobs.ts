// Marks: somebody says that a failed job was done by hand. The mark is kept on the job's row; the next resume of its run keeps
// the job for it, and gives its output to the jobs below.
import type pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import { limits } from '../graph/limits.ts';
import type { JobRunDetail } from '../graph/resources.ts';
import type { RunState } from '../graph/states.ts';
import type { Database } from './database.ts';
import type { GraphCache } from './graph-cache.ts';
import { answerOnce } from './idempotency.ts';
import { isId } from './ids.ts';
import { readJobRun, unknownJobRun } from './job-runs.ts';
import { recordOutput } from './outputs.ts';
import type { Once } from './store.ts';

export interface NewMark {
  readonly id: string;
  readonly note: string;
  /** Undefined: that of an earlier mark of the epoch, else none. */
  readonly output: unknown;
  readonly actor: string;
}

export interface Marks {
  /**
   * Marks a failed job of a graph run that has ended; a later mark takes the place of an earlier one, whose output stays
   * unless it gives another one.
   * @throws CodedError JOB_RUN_UNKNOWN, JOB_RUN_ALONE, RUN_IS_OPEN, JOB_NOT_FAILED, OUTPUT_TOO_LARGE
   */
  mark(mark: NewMark, once?: Once<JobRunDetail>): Promise<JobRunDetail>;
}

export function createMarks(database: Database, cache: GraphCache): Marks {
  return {
    mark: (mark, once) =>
      database.transaction((client) => answerOnce(client, once, () => markJob(client, cache, mark))),
  };
}

interface Row {
  readonly project: string;
  readonly job: string;
  readonly graphRunId: string | null;
  readonly state: RunState;
  readonly reason: string | null;
  readonly epoch: number;
}

async function markJob(client: pg.ClientBase, cache: GraphCache, { id, note, output, actor }: NewMark) {
  if (!isId(id)) throw unknownJobRun(id);
  // The run first, as whoever resumes it locks it.
  const run = await client.query<{ id: string; isOpen: boolean }>(
    `SELECT id, completed_at IS NULL AS "isOpen" FROM graph_run
     WHERE id = (SELECT graph_run_id FROM job_run WHERE id = $1) FOR UPDATE`,
    [id],
  );
  const found = await client.query<Row>(
    `SELECT p.name AS project, j.key AS job, r.graph_run_id AS "graphRunId", r.state, r.reason, r.epoch
     FROM job_run r JOIN job j ON j.id = r.job_id JOIN project p ON p.id = r.project_id WHERE r.id = $1 FOR UPDATE OF r`,
    [id],
  );
  const [row] = found.rows;
  if (!row) throw unknownJobRun(id);
  refuse(id, row, run.rows[0]?.isOpen ?? false);
  const { project, job, graphRunId, epoch } = row;
  await client.query(
    `UPDATE job_run SET marked_at = now(), marked_by = $2, mark_note = $3, 
       mark_output = coalesce($4, CASE WHEN mark_epoch = epoch THEN mark_output END), mark_epoch = epoch,
       updated_by = $2 WHERE id = $1`,
    [id, actor, note, toText(job, output)],
  );
  const made = await readJobRun(client, { load: (...of) => cache.load(client, ...of) }, id);
  const told = { type: 'mark', project, graphRunId, jobRunId: id, job, epoch, actor, note } as const;
  return { made, events: [told] };
}

function refuse(id: string, { graphRunId, state, reason }: Row, isOpen: boolean): void {
  if (graphRunId === null) {
    const message = `The job run ${id} was run alone: nothing goes on from it that a mark could be for.`;
    throw new CodedError('JOB_RUN_ALONE', message);
  }
  if (isOpen) {
    const message = `The graph run ${graphRunId} is open; its jobs are marked once it has ended, for its resume.`;
    throw new CodedError('RUN_IS_OPEN', message);
  }
  if (state !== 'FAILED') {
    const how = [state, reason].filter(Boolean).join('/');
    throw new CodedError(
      'JOB_NOT_FAILED',
      `The job run ${id} is ${how}: only one that is FAILED is marked as done.`,
    );
  }
}

function toText(job: string, output: unknown): string | null {
  if (output === undefined) return null;
  const { text, bytes } = recordOutput(JSON.stringify(output));
  if (bytes <= limits.outputBytes) return text;
  const message = `The output for job "${job}" has ${bytes} bytes as JSON; the limit is ${limits.outputBytes}.`;
  throw new CodedError('OUTPUT_TOO_LARGE', message, { data: { bytes, limit: limits.outputBytes } });
}

/** Jobs that a resume keeps for their marks: done at its epoch, with the output that was given. */
export async function applyMarks(
  client: pg.ClientBase,
  ids: readonly string[],
  { epoch, actor }: { readonly epoch: number; readonly actor: string },
): Promise<void> {
  if (ids.length === 0) return;
  const found = await client.query<{ id: string; output: string | null }>(
    'SELECT id, mark_output AS output FROM job_run WHERE id = ANY ($1::uuid[])',
    [ids],
  );
  const outputs = found.rows.map(({ output }) => (output === null ? null : recordOutput(output)));
  await client.query(
    `UPDATE job_run r SET state = 'SUCCESS', reason = 'marked', error = NULL, epoch = $5, mark_epoch = $5,
       output = n.output, output_hash = n.hash, output_bytes = n.bytes, updated_by = $6
     FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[]) AS n (id, output, hash, bytes) WHERE r.id = n.id`,
    [
      found.rows.map(({ id }) => id),
      outputs.map((output) => output?.text ?? null),
      outputs.map((output) => output?.hash ?? null),
      outputs.map((output) => output?.bytes ?? null),
      ...[epoch, actor],
    ],
  );
}
