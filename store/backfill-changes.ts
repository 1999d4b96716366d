// A backfill is stopped, and goes on.
import type pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import type { BackfillView } from '../graph/schedules/backfills.ts';
import { type BackfillRow, lockBackfill, readBackfill, toBackfillView } from './backfill-rows.ts';
import { type CancelToSend, cancelGraphRun } from './cancel-runs.ts';
import type { NewEvent } from './events.ts';
import { checkBackfillCount } from './new-backfills.ts';

export interface BackfillCancel {
  readonly id: string;
  /** Its open runs are cancelled, too. */
  readonly running: boolean;
  readonly note: string | null;
  readonly actor: string;
}

/** With what Temporal is to be told of the cancels of its runs. */
export type CancelledBackfill = BackfillView & { readonly toSend: readonly CancelToSend[] };

export interface BackfillResume {
  readonly id: string;
  /** Its runs that have failed go on, too. */
  readonly failed: boolean;
  readonly note: string | null;
  readonly actor: string;
}

/** The events are for the caller to add as its transaction's last statement. */
export async function cancelBackfill(client: pg.ClientBase, cancel: BackfillCancel) {
  const { id, running, note, actor } = cancel;
  await lockBackfill(client, id);
  const row = await readBackfill(client, id);
  const isStopped = row.stop_reason !== null;
  const cancelsRuns = running && row.open > 0;
  const isLeft = row.handled < row.total || row.to_redo > 0;
  if (!isStopped && !isLeft && !cancelsRuns) throw hasEnded(row);
  // Asked again, the first request counts, unless there is more to cancel.
  if (isStopped && !cancelsRuns) return { made: { ...toBackfillView(row), toSend: [] }, events: [] };
  if (!isStopped) {
    await client.query(
      `UPDATE backfill SET stop_reason = 'cancelled', stopped_at = now(), stopped_by = $2, stop_note = $3, completed_at = NULL,
         updated_by = $2 WHERE id = $1`,
      [id, actor, note],
    );
  }
  const { toSend, events } = cancelsRuns ? await cancelOpen(client, cancel) : { toSend: [], events: [] };
  const made: CancelledBackfill = { ...toBackfillView(await readBackfill(client, id)), toSend };
  return { made, events: [eventOf(row, { reason: 'cancelled', state: 'FAILED', actor, note }), ...events] };
}

async function cancelOpen(client: pg.ClientBase, { id, note, actor }: BackfillCancel) {
  const open = await client.query<{ id: string }>(
    'SELECT id FROM graph_run WHERE backfill_id = $1 AND completed_at IS NULL ORDER BY id',
    [id],
  );
  const toSend: CancelToSend[] = [];
  const events: NewEvent[] = [];
  for (const run of open.rows) {
    // Its end may have come in between.
    const ended = await client.query(
      'SELECT FROM graph_run WHERE id = $1 AND completed_at IS NOT NULL FOR UPDATE',
      [run.id],
    );
    if (ended.rowCount !== 0) continue;
    const { made, events: told } = await cancelGraphRun(client, { id: run.id, note, actor });
    if (made.completedAt === null) toSend.push(made);
    events.push(...told);
  }
  return { toSend, events };
}

/** Runs that were cancelled since it was stopped go on before new ones are made. */
export async function resumeBackfill(client: pg.ClientBase, { id, failed, note, actor }: BackfillResume) {
  await lockBackfill(client, id);
  const row = await readBackfill(client, id);
  const { state } = toBackfillView(row);
  if (state === 'PENDING' || state === 'RUNNING') throw isOpen(row, state);
  const deleted = await client.query('SELECT FROM schedule WHERE id = $1 AND deleted_at IS NOT NULL', [
    row.schedule_id,
  ]);
  if (deleted.rowCount !== 0) {
    const message = `Schedule "${row.schedule}" of project "${row.project}" was deleted: its backfill ${id} cannot go on.`;
    throw new CodedError('SCHEDULE_UNKNOWN', message);
  }
  const updated = await client.query<{ redo: string[] }>(
    `UPDATE backfill b SET stop_reason = NULL, stopped_at = NULL, stopped_by = NULL, stop_note = NULL, problem = NULL,
       completed_at = NULL, updated_by = $3, redo = ARRAY(
         SELECT r.id FROM graph_run r
         WHERE r.backfill_id = b.id AND r.state <> 'SUCCESS' AND (
           r.id = ANY (b.redo) OR (r.cancel_epoch = r.epoch AND r.cancel_requested_at >= b.stopped_at) OR ($2 AND r.state = 'FAILED'))
         ORDER BY r.id)
     WHERE b.id = $1 RETURNING redo`,
    [id, failed, actor],
  );
  if (row.handled === row.total && updated.rows[0]?.redo.length === 0) throw isDone(row);
  await checkBackfillCount(client, { id: row.project_id, name: row.project }, id);
  const made = toBackfillView(await readBackfill(client, id));
  return { made, events: [eventOf(row, { reason: 'resumed', state: made.state, actor, note })] };
}

export function eventOf(
  { id, project, schedule }: Pick<BackfillRow, 'id' | 'project' | 'schedule'>,
  told: Pick<NewEvent, 'reason' | 'state' | 'actor' | 'note'>,
): NewEvent {
  return { type: 'backfill', project, schedule, backfillId: id, ...told };
}

function hasEnded({ id, open }: BackfillRow): CodedError {
  const message =
    open > 0
      ? `All runs of backfill ${id} are made, and ${open} of them still open: cancel these as well (--running, or "running" of a request), or none.`
      : `Backfill ${id} has ended: there is nothing left to cancel.`;
  return new CodedError('BACKFILL_HAS_ENDED', message);
}

function isOpen({ id }: BackfillRow, state: string): CodedError {
  return new CodedError(
    'BACKFILL_IS_OPEN',
    `Backfill ${id} is ${state}; it is resumed once it was cancelled or has ended.`,
  );
}

function isDone({ id, failed, cancelled }: BackfillRow): CodedError {
  const more =
    failed + cancelled > 0
      ? ` ${failed + cancelled} have failed: --failed, or "failed" of a request, lets these go on.`
      : '';
  return new CodedError('BACKFILL_IS_DONE', `Backfill ${id} has made all its runs.${more}`);
}
