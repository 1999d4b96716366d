import type pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import { type BackfillStop, backfillStateOf, estimateMs } from '../graph/schedules/backfill-state.ts';
import type { BackfillView } from '../graph/schedules/backfills.ts';
import { isFinal, type RunState } from '../graph/states.ts';
import { isId } from './ids.ts';

export interface BackfillRow {
  readonly id: string;
  readonly project_id: string;
  readonly project: string;
  readonly max_open_runs: number;
  readonly schedule: string;
  readonly schedule_id: string;
  readonly from_at: Date;
  readonly to_at: Date;
  readonly timezone: string;
  readonly newest_first: boolean;
  readonly at_once: number;
  readonly again: boolean;
  readonly params: BackfillView['params'];
  readonly select: string[];
  readonly selective: boolean;
  readonly total: number;
  readonly handled: number;
  readonly skipped: number;
  readonly next_slot: Date | null;
  readonly note: string | null;
  readonly stop_reason: BackfillStop | null;
  readonly stopped_at: Date | null;
  readonly stopped_by: string | null;
  readonly stop_note: string | null;
  readonly problem: string | null;
  readonly created_at: Date;
  readonly created_by: string;
  readonly completed_at: Date | null;
  readonly to_redo: number;
  readonly skipped_failed: number;
  readonly last_end: Date | null;
  readonly open: number;
  readonly success: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly mean_ms: number | null;
}

/** How many of the last runs tell how long the next ones take, as far as they have succeeded. */
const runsThatTell = 200;

/** How long the last runs took of those that `which` says of a run `r`, which `order` sorts; null where none has succeeded. */
export function meanMs(which: string, order: string): string {
  return `(SELECT avg(extract(epoch FROM l.completed_at - l.started_at) * 1000)::float8 FROM (
    SELECT r.state, r.started_at, r.completed_at FROM graph_run r WHERE ${which} ORDER BY ${order} LIMIT ${runsThatTell}
  ) l WHERE l.state = 'SUCCESS')`;
}

/** Of a schedule, whose id `id` is. */
export function meanMsOfSchedule(id: string): string {
  return meanMs(`r.schedule_id = ${id}`, 'r.scheduled_at DESC');
}

export const selectBackfill = `
  SELECT b.id, b.project_id, p.name AS project, p.max_open_runs, s.name AS schedule, b.schedule_id, b.from_at, b.to_at, b.timezone,
    b.newest_first, b.at_once, b.again, b.params, b."select", b.selective, cardinality(b.slots) AS total, b.handled, b.skipped,
    b.slots[b.handled + 1] AS next_slot, b.note, b.stop_reason, b.stopped_at, b.stopped_by, b.stop_note, b.problem,
    b.created_at, b.created_by, b.completed_at, counts.*, skips.*, coalesce(
      ${meanMs('r.backfill_id = b.id', 'r.created_at DESC, r.id DESC')}, ${meanMsOfSchedule('b.schedule_id')}) AS mean_ms
  FROM backfill b
  JOIN project p ON p.id = b.project_id
  JOIN schedule s ON s.id = b.schedule_id
  CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE ends.is_redone)::int AS to_redo, max(r.completed_at) AS last_end,
      count(*) FILTER (WHERE r.completed_at IS NULL)::int AS open,
      count(*) FILTER (WHERE r.state = 'SUCCESS')::int AS success,
      count(*) FILTER (WHERE r.state = 'FAILED' AND r.reason <> 'cancelled' AND NOT ends.is_redone)::int AS failed,
      count(*) FILTER (WHERE r.state = 'FAILED' AND r.reason = 'cancelled' AND NOT ends.is_redone)::int AS cancelled
    FROM graph_run r
    CROSS JOIN LATERAL (SELECT r.state = 'FAILED' AND r.id = ANY (b.redo) AS is_redone) ends
    WHERE r.backfill_id = b.id
  ) counts
  CROSS JOIN LATERAL (
    SELECT count(*)::int AS skipped_failed FROM graph_run r
    WHERE b.skipped > 0 AND r.schedule_id = b.schedule_id AND r.is_slot AND r.state = 'FAILED'
      AND r.backfill_id IS DISTINCT FROM b.id AND r.scheduled_at = ANY (b.slots[1:b.handled])
  ) skips`;

export function toBackfillView(row: BackfillRow): BackfillView {
  const { total, handled, skipped, open, success, failed, cancelled } = row;
  const left = total - handled + row.to_redo;
  const stop = row.stop_reason;
  const { state, reason } = backfillStateOf({ stop, handled, left, open, failed: failed + cancelled });
  const atOnce = Math.min(row.at_once, row.max_open_runs);
  const { stopped_at: at, stopped_by: by } = row;
  return {
    id: row.id,
    project: row.project,
    schedule: row.schedule,
    from: row.from_at.toISOString(),
    to: row.to_at.toISOString(),
    timezone: row.timezone,
    order: row.newest_first ? 'newest' : 'oldest',
    atOnce: row.at_once,
    openMost: atOnce,
    again: row.again,
    params: row.params,
    select: row.selective ? row.select : null,
    note: row.note,
    state,
    reason,
    problem: row.problem,
    stop:
      stop === null || at === null || by === null ? null : { at: at.toISOString(), by, note: row.stop_note },
    counts: { total, skipped, skippedFailed: row.skipped_failed, left, open, success, failed, cancelled },
    nextSlot: row.next_slot?.toISOString() ?? null,
    estimateMs: estimateMs(left + open, { meanMs: row.mean_ms, atOnce }),
    createdAt: row.created_at.toISOString(),
    createdBy: row.created_by,
    completedAt: endOf(row, state)?.toISOString() ?? null,
  };
}

/** One whose run goes on again has not ended any more. Before the watch has noted its end, its last run tells it. */
function endOf({ stopped_at, completed_at, last_end }: BackfillRow, state: RunState): Date | null {
  return isFinal(state) ? (stopped_at ?? completed_at ?? last_end) : null;
}

/** @throws CodedError BACKFILL_UNKNOWN */
export async function readBackfill(client: Pick<pg.ClientBase, 'query'>, id: string): Promise<BackfillRow> {
  if (!isId(id)) throw unknownBackfill(id);
  const found = await client.query<BackfillRow>(`${selectBackfill} WHERE b.id = $1`, [id]);
  const [row] = found.rows;
  if (!row) throw unknownBackfill(id);
  return row;
}

/**
 * Locks its project, as all do who make runs or delete it, and then the backfill: it is to be read in a later statement, which
 * sees what others have committed.
 * @throws CodedError BACKFILL_UNKNOWN
 */
export async function lockBackfill(client: pg.ClientBase, id: string): Promise<void> {
  if (!isId(id)) throw unknownBackfill(id);
  await client.query(
    'SELECT FROM project WHERE id = (SELECT project_id FROM backfill WHERE id = $1) FOR NO KEY UPDATE',
    [id],
  );
  await client.query('SELECT FROM backfill WHERE id = $1 FOR UPDATE', [id]);
}

function unknownBackfill(id: string): CodedError {
  return new CodedError('BACKFILL_UNKNOWN', `There is no backfill ${id.slice(0, 100)}.`);
}
