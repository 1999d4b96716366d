// Pauses of graph runs: kept on the run's row first. Each pause and unpause of a run has a number; its workflow is told of the
// latest afterwards, and again until it has it (watch/). An execution that opens the run learns of it there.
import type pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import { limits } from '../graph/limits.ts';
import type { GraphRunView } from '../graph/resources.ts';
import type { Database } from './database.ts';
import { insertEvents, type NewEvent } from './events.ts';
import type { KnownPause } from './execution.ts';
import { unknownGraphRun } from './graph-runs.ts';
import { answerOnce } from './idempotency.ts';
import { isId } from './ids.ts';
import { toText } from './json.ts';
import { type GraphRunRow, selectGraphRun, toGraphRunView } from './run-views.ts';
import type { Once } from './store.ts';

export interface NewPause {
  readonly id: string;
  /** Or else unpaused. */
  readonly paused: boolean;
  readonly note: string | null;
  readonly actor: string;
}

/** What the workflow of a run is told. */
export interface PauseToTell extends KnownPause {
  readonly id: string;
  readonly epoch: number;
  readonly workflowId: string;
  /** Of the execution that carries out the run. */
  readonly runId: string;
  /** Whose request it was. */
  readonly by: string;
}

/** `toTell` is null where the workflow needs not be told: it knows, or learns of it when it opens the run. */
export type PausedGraphRun = GraphRunView & { readonly toTell: PauseToTell | null };

/** A pause or unpause that somebody sent to the workflow by hand. */
export interface PauseByHand {
  /** Of the execution that it was sent to. */
  readonly runId: string;
  readonly paused: boolean;
  readonly by: string | null;
  readonly note: string | null;
  /** The latest number that the workflow knew then. */
  readonly seen: number;
}

export interface Pauses {
  /**
   * Pauses a run or lets it go on. What it is already stays as it is, and is answered alike.
   * @throws CodedError GRAPH_RUN_UNKNOWN, RUN_HAS_ENDED
   */
  set(pause: NewPause, once?: Once<PausedGraphRun>): Promise<PausedGraphRun>;
  /** Keeps what was sent by hand, unless the rows hold what the workflow did not know; answers with what counts. */
  note(pause: PauseByHand): Promise<KnownPause>;
  /** Of open runs whose workflow is to be told, by id: the page after the one that ended with `after`. */
  untold(after: string | null, most: number): Promise<PauseToTell[]>;
  /** The execution has been told. */
  noteTold(pause: PauseToTell): Promise<void>;
}

interface PauseRow {
  readonly id: string;
  readonly project: string;
  readonly epoch: number;
  readonly number: number;
  readonly paused: boolean;
}

const rowColumns = `r.id, r.project_name AS project, r.epoch, r.pause_number AS number, r.paused_at IS NOT NULL AS paused`;

const selectUntold = `
  SELECT r.id, r.epoch, t.workflow_id AS "workflowId", t.run_id AS "runId", r.pause_number AS number,
    r.paused_at IS NOT NULL AS paused, coalesce(r.paused_by, r.updated_by) AS by
  FROM graph_run r JOIN task t ON t.graph_run_id = r.id AND t.epoch = r.epoch AND t.closed_at IS NULL
  WHERE r.is_pause_untold`;

export function createPauses(database: Database): Pauses {
  return {
    set: (pause, once) =>
      database.transaction((client) => answerOnce(client, once, () => setPause(client, pause))),
    note: (pause) => database.transaction((client) => notePause(client, pause)),
    untold: async (after, most) => {
      const found = await database.pool.query<PauseToTell>(
        `${selectUntold} AND ($1::uuid IS NULL OR r.id > $1::uuid) ORDER BY r.id LIMIT $2`,
        [after, most],
      );
      return found.rows;
    },
    noteTold: async ({ id, epoch, number }) => {
      // A reset, which begins the next epoch, is told anew.
      await database.pool.query(
        'UPDATE graph_run SET pause_told = $3 WHERE id = $1 AND epoch = $2 AND pause_told < $3',
        [id, epoch, number],
      );
    },
  };
}

async function setPause(client: pg.ClientBase, { id, paused, note, actor }: NewPause) {
  if (!isId(id)) throw unknownGraphRun(id);
  const found = await client.query<PauseRow & { isOpen: boolean }>(
    `SELECT ${rowColumns}, r.completed_at IS NULL AS "isOpen" FROM graph_run r WHERE r.id = $1 FOR UPDATE`,
    [id],
  );
  const [row] = found.rows;
  if (!row) throw unknownGraphRun(id);
  if (!row.isOpen) throw hasEnded(id, paused);
  const events = row.paused === paused ? [] : [await write(client, row, { paused, note, actor })];
  const shown = await client.query<GraphRunRow>(`${selectGraphRun} WHERE r.id = $1`, [id]);
  const [toTell = null] = (await client.query<PauseToTell>(`${selectUntold} AND r.id = $1`, [id])).rows;
  return { made: { ...toGraphRunView(shown.rows[0] as GraphRunRow), toTell }, events };
}

async function notePause(client: pg.ClientBase, byHand: PauseByHand): Promise<KnownPause> {
  const { runId, paused, by, note, seen } = byHand;
  const found = await client.query<PauseRow>(
    `SELECT ${rowColumns} FROM task t JOIN graph_run r ON r.id = t.graph_run_id
     WHERE t.run_id = $1 AND t.closed_at IS NULL AND t.epoch = r.epoch AND r.completed_at IS NULL FOR UPDATE OF r`,
    [runId],
  );
  const [row] = found.rows;
  // It was superseded.
  if (!row) return { number: seen, paused };
  if (row.number > seen || row.paused === paused) return { number: row.number, paused: row.paused };
  const actor = by === null ? 'temporal' : `temporal:${toText(by)}`;
  const told = await write(client, row, { paused, note: note === null ? null : cut(note), actor });
  const number = row.number + 1;
  await client.query('UPDATE graph_run SET pause_told = $2 WHERE id = $1', [row.id, number]);
  await insertEvents(client, [told]);
  return { number, paused };
}

function cut(note: string): string {
  return toText(note.slice(0, limits.noteChars));
}

async function write(
  client: pg.ClientBase,
  { id, project, epoch }: PauseRow,
  { paused, note, actor }: Omit<NewPause, 'id'>,
): Promise<NewEvent> {
  await client.query(
    `UPDATE graph_run SET pause_number = pause_number + 1, updated_by = $2::text,
       paused_at = CASE WHEN $4::boolean THEN now() END, paused_by = CASE WHEN $4 THEN $2 END,
       pause_note = CASE WHEN $4 THEN $3::text END
     WHERE id = $1`,
    [id, actor, note, paused],
  );
  return { type: paused ? 'pause' : 'unpause', project, graphRunId: id, epoch, actor, note };
}

function hasEnded(id: string, paused: boolean): CodedError {
  const what = paused ? 'pause' : 'unpause';
  return new CodedError('RUN_HAS_ENDED', `The graph run ${id} has ended: there is nothing left to ${what}.`);
}
