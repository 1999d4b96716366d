// Runs of a project that wait for others of it to end: strictly first come, first served. Who may be in line or leave it
// locks the project's row first, and looks in a later statement, which sees what others have committed.
import type pg from 'pg';
import type { Database } from './database.ts';
import { insertEvents, type NewEvent } from './events.ts';
import { noteGranted } from './granted.ts';

/** Of a run `o`: it counts against the limit. As the condition of the index `graph_run_open`. */
const isOpen = `o.completed_at IS NULL AND o.reason IS DISTINCT FROM 'slot'`;
/** Of a run `w`: it is in line. As the condition of the index `graph_run_in_line`. */
export const isInLine = `w.state = 'PENDING' AND w.reason = 'slot'`;

/** Whether the next run of the project has to wait. No more are counted than decide it. */
export function isFull({ project, limit }: { readonly project: string; readonly limit: string }): string {
  return `CASE WHEN EXISTS (SELECT FROM graph_run w WHERE w.project_id = ${project} AND ${isInLine}) THEN true
    ELSE (SELECT count(*) FROM (SELECT FROM graph_run o WHERE o.project_id = ${project} AND ${isOpen} LIMIT ${limit}) open)
      >= ${limit} END`;
}

/** How many more runs of the project would begin at once. It is locked. */
export async function freePlaces(client: pg.ClientBase, projectId: string): Promise<number> {
  const found = await client.query<{ free: number }>(
    `SELECT CASE WHEN EXISTS (SELECT FROM graph_run w WHERE w.project_id = p.id AND ${isInLine}) THEN 0
       ELSE greatest(0, p.max_open_runs - (SELECT count(*) FROM graph_run o WHERE o.project_id = p.id AND ${isOpen})) END::int AS free
     FROM project p WHERE p.id = $1`,
    [projectId],
  );
  return found.rows[0]?.free ?? 0;
}

/** The project whose run an execution carries out, or an id names: before the run itself is locked. */
export async function lockLine(client: pg.ClientBase, of: { runId: string } | { id: string }): Promise<void> {
  const [project, value] =
    'id' in of
      ? ['SELECT project_id FROM graph_run WHERE id = $1', of.id]
      : [
          'SELECT r.project_id FROM task t JOIN graph_run r ON r.id = t.graph_run_id WHERE t.run_id = $1',
          of.runId,
        ];
  await client.query(`SELECT FROM project WHERE id = (${project}) FOR NO KEY UPDATE`, [value]);
}

interface LetIn {
  readonly id: string;
  readonly workflowId: string;
  readonly project: string;
  readonly epoch: number;
}

/**
 * Lets in as many as have a place now. The project is locked. The events are for the caller to add as its transaction's last
 * statement.
 */
export async function letIn(client: pg.ClientBase, projectId: string, actor: string): Promise<NewEvent[]> {
  const found = await client.query<LetIn>(
    `WITH free AS (
       SELECT greatest(0, p.max_open_runs - (SELECT count(*) FROM graph_run o WHERE o.project_id = p.id AND ${isOpen})) AS places
       FROM project p WHERE p.id = $1
     ), next AS (
       SELECT w.id FROM graph_run w WHERE w.project_id = $1 AND ${isInLine}
       ORDER BY w.line_number LIMIT (SELECT places FROM free) FOR UPDATE
     ), let_in AS (
       UPDATE graph_run r SET reason = NULL, updated_by = $2 FROM next WHERE r.id = next.id
       RETURNING r.id, r.workflow_id AS "workflowId", r.project_name AS project, r.epoch
     ), line AS (
       UPDATE project SET has_line = NOT has_line WHERE id = $1 AND has_line <>
         EXISTS (SELECT FROM graph_run w WHERE w.project_id = $1 AND ${isInLine} AND w.id NOT IN (SELECT id FROM let_in))
     )
     SELECT * FROM let_in`,
    [projectId, actor],
  );
  noteGranted(client, { runs: found.rows });
  return found.rows.map(({ id, project, epoch }) => {
    return { type: 'graph_run', project, graphRunId: id, state: 'PENDING', epoch, actor };
  });
}

/** Of projects whose line could go on: what a transaction that ended a run has not seen, or somebody has changed by hand. */
export async function letAllIn({ pool, transaction }: Database, actor: string): Promise<number> {
  const found = await pool.query<{ id: string }>(
    `SELECT p.id FROM project p WHERE EXISTS (SELECT FROM graph_run w WHERE w.project_id = p.id AND ${isInLine})
       AND (NOT p.has_line OR (
         SELECT count(*) FROM (SELECT FROM graph_run o WHERE o.project_id = p.id AND ${isOpen} LIMIT p.max_open_runs) open)
       < p.max_open_runs)`,
  );
  let count = 0;
  for (const { id } of found.rows) {
    count += await transaction(async (client) => {
      await client.query('SELECT FROM project WHERE id = $1 FOR NO KEY UPDATE', [id]);
      const events = await letIn(client, id, actor);
      await insertEvents(client, events);
      return events.length;
    });
  }
  return count;
}

export interface RunLine {
  readonly maxOpenRuns: number;
  /** How many wait that came before it. */
  readonly ahead: number;
  /** Ids of runs that are open, oldest first, as far as they are told; all are counted. */
  readonly open: readonly string[];
  readonly openCount: number;
}

const openRunsTold = 10;

/** What a run waits for; null where it is not in line. */
export async function readLine(client: pg.ClientBase, id: string): Promise<RunLine | null> {
  const found = await client.query<RunLine>(
    `SELECT p.max_open_runs AS "maxOpenRuns",
       (SELECT count(*)::int FROM graph_run w WHERE w.project_id = p.id AND ${isInLine} AND w.line_number < r.line_number) AS ahead,
       (SELECT count(*)::int FROM graph_run o WHERE o.project_id = p.id AND ${isOpen}) AS "openCount",
       ARRAY(SELECT o.id::text FROM graph_run o WHERE o.project_id = p.id AND ${isOpen} ORDER BY o.created_at, o.id LIMIT $2) AS open
     FROM graph_run r JOIN project p ON p.id = r.project_id WHERE r.id = $1 AND r.state = 'PENDING' AND r.reason = 'slot'`,
    [id, openRunsTold],
  );
  return found.rows[0] ?? null;
}
