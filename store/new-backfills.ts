// What a backfill is made of: the times of its schedule, as they are now, that have passed.
import type pg from 'pg';
import { CodedError, type Problem, summarizeProblems } from '../graph/errors.ts';
import type { Params } from '../graph/graph.ts';
import { limits } from '../graph/limits.ts';
import { estimateMs } from '../graph/schedules/backfill-state.ts';
import { readWindow, type WrittenWindow } from '../graph/schedules/backfill-window.ts';
import type { BackfillOrder, BackfillPreview } from '../graph/schedules/backfills.ts';
import { showTick } from '../graph/schedules/preview.ts';
import { readSchedule } from '../graph/schedules/read-schedule.ts';
import type { Timing } from '../graph/schedules/timing.ts';
import { meanMs, meanMsOfSchedule, readBackfill, toBackfillView } from './backfill-rows.ts';
import type { GraphCache } from './graph-cache.ts';
import { newId } from './ids.ts';
import { completeParams, pinGraph, planRun } from './new-runs.ts';
import { type ScheduleName, type ScheduleRow, selectSchedule, unknownSchedule } from './schedule-rows.ts';
import { invalidSchedule } from './schedules.ts';

export interface BackfillOf extends ScheduleName {
  readonly window: WrittenWindow;
  readonly atOnce: number;
  readonly again: boolean;
}

export interface NewBackfill extends BackfillOf {
  readonly order: BackfillOrder;
  /** In place of the schedule's of the same names. */
  readonly params: Params;
  readonly note: string | null;
  readonly actor: string;
}

/** The events are for the caller to add as its transaction's last statement. */
export async function insertBackfill(client: pg.ClientBase, cache: GraphCache, backfill: NewBackfill) {
  const { project, name, atOnce, again, order, note, actor } = backfill;
  const { projectId, graph } = await pinGraph(client, cache, project, 'FOR NO KEY UPDATE');
  const schedule = await readScheduleRow(client, backfill, 'FOR SHARE OF s');
  const { window, slots, timing } = readTimes(schedule, backfill.window);
  const [first] = slots;
  if (first === undefined) {
    const message = `schedule "${name}" has no time from ${show(window.from)} to ${show(window.to)}${boundsOf(timing)}`;
    throw invalidBackfill([{ code: 'SHAPE_INVALID', path: '/from', message }]);
  }
  const { params: usual = {}, select = null } = schedule.definition;
  const params = { ...usual, ...backfill.params };
  // Its runs are of the graph that is current then, with the defaults of that.
  completeParams(graph, params);
  planRun(graph, select);
  const id = newId();
  await checkBackfillCount(client, { id: projectId, name: project }, id);
  await client.query(
    `INSERT INTO backfill (id, project_id, schedule_id, from_at, to_at, timezone, newest_first, at_once, again, params, "select",
       selective, slots, note, created_by, updated_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)`,
    [
      ...[id, projectId, schedule.id, new Date(window.from), new Date(window.to), timing.timezone],
      ...[order === 'newest', atOnce, again, JSON.stringify(params), select ?? [], select !== null],
      (order === 'newest' ? slots.toReversed() : slots).map((at) => new Date(at)),
      ...[note, actor],
    ],
  );
  const event = { type: 'backfill', project, schedule: name, backfillId: id, reason: 'created' } as const;
  return {
    made: toBackfillView(await readBackfill(client, id)),
    events: [{ ...event, state: 'PENDING', actor, note } as const],
  };
}

/** What it would do now. */
export async function previewBackfill(
  client: pg.ClientBase,
  { atOnce, again, window: written, ...name }: BackfillOf,
): Promise<BackfillPreview> {
  const schedule = await readScheduleRow(client, name, '');
  const { window, slots, timing } = readTimes(schedule, written);
  const found = await client.query<{
    ran: number;
    failed: number;
    max_open_runs: number;
    mean_ms: number | null;
  }>(
    `SELECT p.max_open_runs, counts.*, coalesce(${meanMsOfSchedule('$1::uuid')},
       ${meanMs('r.project_id = p.id', 'r.created_at DESC, r.id DESC')}) AS mean_ms
     FROM project p CROSS JOIN LATERAL (
       SELECT count(*)::int AS ran, count(*) FILTER (WHERE r.state = 'FAILED')::int AS failed
       FROM graph_run r WHERE r.schedule_id = $1::uuid AND r.is_slot AND r.scheduled_at = ANY ($2::timestamptz[])
     ) counts WHERE p.name = $3`,
    [schedule.id, slots.map((at) => new Date(at)), name.project],
  );
  const { ran = 0, failed = 0, max_open_runs: most = 1, mean_ms: mean = null } = found.rows[0] ?? {};
  const total = slots.length;
  const runs = again ? total : total - ran;
  const [first] = slots;
  const last = slots.at(-1);
  const tick = (at: number | undefined) =>
    at === undefined ? null : showTick(timing.timezone, { at, dst: null });
  return {
    from: show(window.from),
    to: show(window.to),
    timezone: timing.timezone,
    ...{ total, ran, failed, runs, first: tick(first), last: tick(last) },
    openMost: Math.min(atOnce, most),
    estimateMs: estimateMs(runs, { meanMs: mean, atOnce: Math.min(atOnce, most) }),
  };
}

/** What keeps a schedule from having times that its cron has. */
function boundsOf({ startAt, endAt }: Timing): string {
  const bounds = [
    ...(startAt === null ? [] : [`its startAt is ${show(startAt)}`]),
    ...(endAt === null ? [] : [`its endAt is ${show(endAt)}`]),
  ];
  return bounds.length === 0 ? '' : ` (${bounds.join(', ')})`;
}

async function readScheduleRow(
  client: pg.ClientBase,
  { project, name }: ScheduleName,
  /** Shared: a delete of it comes before or after. */
  lock: '' | 'FOR SHARE OF s',
): Promise<ScheduleRow> {
  const found = await client.query<ScheduleRow>(
    `${selectSchedule} WHERE p.name = $1 AND s.name = $2 AND s.deleted_at IS NULL ${lock}`,
    [project, name],
  );
  const [row] = found.rows;
  if (!row) throw await unknownSchedule(client, { project, name });
  return row;
}

/** @throws CodedError SCHEDULE_UNREADABLE, BACKFILL_INVALID */
function readTimes(row: ScheduleRow, written: WrittenWindow) {
  const now = Date.now();
  const read = readSchedule(row.definition, { timezone: row.project_timezone, now });
  if (!read.ok) throw row.form === 'temporal' ? unreadable(row) : invalidSchedule(read.problems);
  const { timing }: { readonly timing: Timing } = read;
  const found = readWindow(written, timing, now);
  if (!found.ok) throw invalidBackfill(found.problems);
  return { ...found, timing };
}

/** The project is locked, for whoever else makes one. @throws CodedError TOO_MANY_BACKFILLS */
export async function checkBackfillCount(
  client: pg.ClientBase,
  project: { readonly id: string; readonly name: string },
  /** The backfill that is to be open. */
  id: string,
): Promise<void> {
  const found = await client.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM backfill
     WHERE project_id = $1 AND stop_reason IS NULL AND completed_at IS NULL AND id <> $2`,
    [project.id, id],
  );
  const { openBackfills: most } = limits;
  if ((found.rows[0]?.count ?? 0) < most) return;
  const message = `Project "${project.name}" has ${most} backfills that are not done, which is the limit; wait for one, or cancel it.`;
  throw new CodedError('TOO_MANY_BACKFILLS', message);
}

function invalidBackfill(problems: readonly Problem[]): CodedError {
  const message = `The backfill is not valid: ${summarizeProblems(problems)}. No run was made.`;
  return new CodedError('BACKFILL_INVALID', message, { problems });
}

function unreadable({ name, temporal_id: temporalId }: ScheduleRow): CodedError {
  const message =
    `Schedule "${name}" was written with Temporal's own tools, and only Temporal reads its times. Give it times here ` +
    `(a change of its cron, its interval or its calendars), or use "temporal schedule backfill --schedule-id ${temporalId}".`;
  return new CodedError('SCHEDULE_UNREADABLE', message);
}

function show(at: number): string {
  return new Date(at).toISOString();
}
