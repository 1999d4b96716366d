// Makes the runs of backfills: the row first, as of all runs. The backfill's row is locked for it, so that of several who do it
// each makes the next ones.
import type pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import {
  type BackfillStop,
  backfillStateOf,
  planBackfill,
  type TimeToCome,
} from '../graph/schedules/backfill-state.ts';
import { graphRunWorkflowId } from '../graph/workflow-ids.ts';
import { eventOf } from './backfill-changes.ts';
import { type BackfillRow, lockBackfill, readBackfill } from './backfill-rows.ts';
import type { Database } from './database.ts';
import { insertEvents, type NewEvent } from './events.ts';
import type { GraphCache } from './graph-cache.ts';
import { newId } from './ids.ts';
import { completeParams, insertGraphRun, type PinnedGraph, pinGraph, planRun } from './new-runs.ts';
import { resumeRun } from './resume-runs.ts';
import { freePlaces } from './run-line.ts';
import type { RunToStart } from './store.ts';

/** Its project is locked meanwhile, and others may have runs to make. */
const runsAtOnce = 20;
/** Times that are looked at for those that have had a run. */
const slotsAtOnce = 1_000;

export interface OpenBackfill {
  readonly id: string;
  /** Runs of it are to be made, or it has ended. */
  readonly isDue: boolean;
}

/** Of a backfill `b`: its open runs, and those of them that wait in the line of their project. */
const countOpen = `SELECT count(*)::int, count(*) FILTER (WHERE r.state = 'PENDING' AND r.reason = 'slot')::int AS waiting
  FROM graph_run r WHERE r.backfill_id = b.id AND r.completed_at IS NULL`;

/** Those that have not ended: the due ones first, of these the one that has waited longest. */
export async function readOpenBackfills(pool: pg.Pool, most: number): Promise<OpenBackfill[]> {
  const found = await pool.query<OpenBackfill>(
    `SELECT b.id, (
       s.deleted_at IS NOT NULL OR open.count = 0 OR (open.count < b.at_once AND open.waiting = 0 AND (b.handled < cardinality(b.slots)
         OR EXISTS (SELECT FROM graph_run r WHERE r.id = ANY (b.redo) AND r.completed_at IS NOT NULL)))) AS "isDue"
     FROM backfill b JOIN schedule s ON s.id = b.schedule_id
     CROSS JOIN LATERAL (${countOpen}) open
     WHERE b.stop_reason IS NULL AND b.completed_at IS NULL
     ORDER BY "isDue" DESC, b.tended_at NULLS FIRST, b.id LIMIT $1`,
    [most],
  );
  return found.rows;
}

/**
 * Makes as many of its next runs as may be open now, one of them beyond the limit of its project: those of others are to
 * wait in line for one of it, not for a hundred. They are to be started, but for the one that waits.
 */
export function tendBackfill(
  database: Database,
  cache: GraphCache,
  { id, actor }: { readonly id: string; readonly actor: string },
): Promise<RunToStart[]> {
  return database.transaction(async (client) => {
    const found = await client.query<{ project: string }>(
      `SELECT p.name AS project FROM backfill b JOIN project p ON p.id = b.project_id
       WHERE b.id = $1 AND b.stop_reason IS NULL AND b.completed_at IS NULL`,
      [id],
    );
    const project = found.rows[0]?.project;
    if (project === undefined) return [];
    const pinned = await pinGraph(client, cache, project, 'FOR NO KEY UPDATE');
    // As whoever makes a run of a time of the schedule, or deletes it.
    const schedule = await client.query<{ deleted_at: Date | null }>(
      'SELECT deleted_at FROM schedule WHERE id = (SELECT schedule_id FROM backfill WHERE id = $1) FOR SHARE',
      [id],
    );
    await lockBackfill(client, id);
    const row = await readToTend(client, id);
    if (!row) return [];
    if (schedule.rows[0]?.deleted_at !== null) {
      await insertEvents(client, [
        await stop(client, row, { reason: 'schedule_deleted', problem: null, actor }),
      ]);
      return [];
    }
    const made = await makeRuns(client, cache, { row, pinned, actor });
    await insertEvents(client, made.events);
    return made.runs;
  });
}

/** Without what only its whole past tells. */
interface TendedRow
  extends Pick<
      BackfillRow,
      'id' | 'project' | 'schedule' | 'schedule_id' | 'created_by' | 'params' | 'select'
    >,
    Pick<BackfillRow, 'selective' | 'newest_first' | 'at_once' | 'again' | 'total' | 'handled' | 'open'> {
  /** Of the open ones. */
  readonly waiting: number;
  /** Who has changed it last, as by a resume. */
  readonly updated_by: string;
}

/** Null where there is nothing to be done for it. */
async function readToTend(client: pg.ClientBase, id: string): Promise<TendedRow | null> {
  const found = await client.query<TendedRow>(
    `SELECT b.id, b.schedule_id, b.newest_first, b.at_once, b.again, b.params, b."select", b.selective, b.created_by, b.updated_by, b.handled,
       p.name AS project, s.name AS schedule, cardinality(b.slots) AS total,
       open.count AS open, open.waiting
     FROM backfill b JOIN project p ON p.id = b.project_id JOIN schedule s ON s.id = b.schedule_id
     CROSS JOIN LATERAL (${countOpen}) open
     WHERE b.id = $1 AND b.stop_reason IS NULL AND b.completed_at IS NULL`,
    [id],
  );
  return found.rows[0] ?? null;
}

interface Tended {
  readonly row: TendedRow;
  readonly pinned: PinnedGraph;
  readonly actor: string;
}

interface Made {
  /** To be started. */
  readonly runs: readonly RunToStart[];
  /** How many are open now. */
  readonly open: number;
  readonly events: readonly NewEvent[];
}

async function makeRuns(client: pg.ClientBase, cache: GraphCache, tended: Tended) {
  const { row, pinned, actor } = tended;
  const inProject = row.waiting > 0 ? 0 : 1 + (await freePlaces(client, pinned.projectId));
  const places = Math.min(runsAtOnce, row.at_once - row.open, inProject);
  const again = await goOn(client, cache, tended, places);
  const fresh = await makeNew(client, tended, places - again.open);
  const runs = [...again.runs, ...fresh.runs];
  const events = [...again.events, ...fresh.events];
  const isOpen = row.open + again.open + fresh.open > 0;
  if (isOpen || fresh.isStopped) return { runs, events };
  return { runs, events: [...events, ...(await endIfDone(client, row.id, actor))] };
}

/** Runs that were cancelled with it, or that have failed and are to run again: at their next epoch, as the runs of their times. */
async function goOn(
  client: pg.ClientBase,
  cache: GraphCache,
  { row }: Tended,
  places: number,
): Promise<Made> {
  const actor = row.updated_by;
  const runs: RunToStart[] = [];
  const events: NewEvent[] = [];
  const done: string[] = [];
  let open = 0;
  const found = await client.query<{ id: string; state: string }>(
    `SELECT r.id, r.state FROM backfill b JOIN graph_run r ON r.id = ANY (b.redo)
     WHERE b.id = $1 AND r.completed_at IS NOT NULL ORDER BY r.scheduled_at, r.id`,
    [row.id],
  );
  const inOrder = row.newest_first ? found.rows.toReversed() : found.rows;
  for (const { id, state } of inOrder) {
    if (open >= places) break;
    done.push(id);
    // It came to its end in spite of the cancel.
    if (state === 'SUCCESS') continue;
    try {
      const resumed = await resumeRun(client, cache, id, { from: null, latest: false, plan: null, actor });
      const { workflowId, project, reason } = resumed.made;
      open += 1;
      events.push(...resumed.events);
      if (reason !== 'slot') runs.push({ id, workflowId, project });
    } catch (error) {
      // It is refused before anything is written, and stays as it has ended.
      if (!(error instanceof CodedError) || error.status >= 500) throw error;
      const told = { reason: 'refused', state: 'RUNNING', actor, note: error.message } as const;
      events.push({ ...eventOf(row, told), graphRunId: id });
    }
  }
  if (done.length > 0) {
    await client.query(
      'UPDATE backfill SET redo = ARRAY(SELECT unnest(redo) EXCEPT SELECT unnest($2::uuid[])), tended_at = clock_timestamp() WHERE id = $1',
      [row.id, done],
    );
  }
  return { runs, open, events };
}

async function makeNew(
  client: pg.ClientBase,
  { row, pinned, actor }: Tended,
  places: number,
): Promise<Made & { readonly isStopped: boolean }> {
  const { id: backfillId, project, schedule_id: scheduleId, handled } = row;
  const none = { runs: [], open: 0, events: [], isStopped: false };
  if (places <= 0 || handled >= row.total) return none;
  const select = row.selective ? row.select : null;
  const chosen = checkRun(pinned, row, select);
  if ('problem' in chosen) {
    const stopped = await stop(client, row, { reason: 'invalid', problem: chosen.problem, actor });
    return { ...none, events: [stopped], isStopped: true };
  }
  const next = await client.query<TimeToCome>(
    `SELECT n.at, r.id IS NOT NULL AS "hasRun", coalesce(r.origin = 'schedule' AND r.state = 'PENDING'
       AND NOT EXISTS (SELECT FROM task t WHERE t.graph_run_id = r.id), false) AS "isUndecided"
     FROM backfill b CROSS JOIN LATERAL unnest(b.slots[$3::int : $4::int]) WITH ORDINALITY AS n (at, place)
     LEFT JOIN graph_run r ON r.schedule_id = $2 AND r.scheduled_at = n.at AND r.is_slot
     WHERE b.id = $1 ORDER BY n.place`,
    [backfillId, scheduleId, handled + 1, handled + slotsAtOnce],
  );
  const step = planBackfill(next.rows, { places, again: row.again });
  const runs: RunToStart[] = [];
  const events: NewEvent[] = [];
  for (const { at: scheduledAt, isSlot } of step.runs) {
    const id = newId();
    const workflowId = graphRunWorkflowId(id, 1);
    const of = {
      scheduleId,
      scheduledAt,
      isSlot,
      backfillId,
      origin: 'backfill',
      actor: row.created_by,
    } as const;
    const run = { id, workflowId, firstExecutionRunId: null, project, pinned, select, ...chosen, ...of };
    const inserted = await insertGraphRun(client, run);
    events.push({ ...inserted.event, schedule: row.schedule, backfillId });
    if (inserted.run.reason !== 'slot') runs.push({ id, workflowId, project });
  }
  await client.query(
    'UPDATE backfill SET handled = handled + $2, skipped = skipped + $3, tended_at = clock_timestamp() WHERE id = $1',
    [backfillId, step.handled, step.skipped],
  );
  return { runs, open: step.runs.length, events, isStopped: false };
}

/** The graph may have changed since the backfill was asked for. */
function checkRun({ graph }: PinnedGraph, row: TendedRow, select: readonly string[] | null) {
  try {
    return { params: completeParams(graph, row.params), plan: planRun(graph, select) };
  } catch (error) {
    if (error instanceof CodedError && error.status < 500) return { problem: error.message };
    throw error;
  }
}

async function stop(
  client: pg.ClientBase,
  row: TendedRow,
  {
    reason,
    problem,
    actor,
  }: { reason: Exclude<BackfillStop, 'cancelled'>; problem: string | null; actor: string },
): Promise<NewEvent> {
  await client.query(
    `UPDATE backfill SET stop_reason = $2, problem = $3, stopped_at = now(), stopped_by = $4, updated_by = $4 WHERE id = $1`,
    [row.id, reason, problem, actor],
  );
  return eventOf(row, { reason, state: 'FAILED', actor, note: problem });
}

/** Nothing of it is open. */
async function endIfDone(client: pg.ClientBase, id: string, actor: string): Promise<NewEvent[]> {
  const row = await readBackfill(client, id);
  const left = row.total - row.handled + row.to_redo;
  if (left + row.open > 0) return [];
  await client.query('UPDATE backfill SET completed_at = now(), updated_by = $2 WHERE id = $1', [id, actor]);
  const facts = { ...row, stop: null, left, failed: row.failed + row.cancelled };
  return [eventOf(row, { ...backfillStateOf(facts), reason: 'ended', actor, note: null })];
}
