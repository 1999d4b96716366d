import type pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import { limits } from '../graph/limits.ts';
import { nextTicks } from '../graph/schedules/preview.ts';
import { readSchedule } from '../graph/schedules/read-schedule.ts';
import type { ScheduleView } from '../graph/schedules/resources.ts';
import { skipToCome } from '../graph/schedules/skips.ts';
import { unknownProject } from './projects.ts';

export interface ScheduleName {
  readonly project: string;
  readonly name: string;
}

export interface ScheduleRow {
  readonly id: string;
  readonly project: string;
  readonly project_timezone: string;
  readonly name: string;
  readonly temporal_id: string;
  readonly definition: ScheduleView['definition'];
  readonly paused: boolean;
  readonly note: string | null;
  readonly skipped: readonly Date[];
  readonly ended_at: Date | null;
  readonly origin: ScheduleView['origin'];
  readonly form: ScheduleView['form'];
  readonly temporal_spec: ScheduleView['temporalSpec'];
  readonly revision: number;
  readonly pushed_revision: number;
  readonly push_problem: string | null;
  readonly created_at: Date;
  readonly created_by: string;
  readonly updated_at: Date;
  readonly updated_by: string;
}

export const selectSchedule = `
  SELECT s.id, p.name AS project, p.timezone AS project_timezone, s.name, s.temporal_id, s.definition, s.paused, s.note, s.skipped, s.ended_at,
    s.origin, s.form, s.temporal_spec, s.revision, s.pushed_revision, s.push_problem, s.created_at, s.created_by, s.updated_at, s.updated_by
  FROM schedule s JOIN project p ON p.id = s.project_id`;

export function toScheduleView(row: ScheduleRow): ScheduleView {
  const now = Date.now();
  const read = readSchedule(row.definition, { timezone: row.project_timezone, now });
  const skipAt = skipToCome(row.skipped, now);
  const [next] = read.ok && !row.paused && !row.ended_at ? nextTicks(read.timing, now, 1, skipAt) : [];
  const isApplied = row.pushed_revision === row.revision;
  return {
    project: row.project,
    name: row.name,
    temporalId: row.temporal_id,
    definition: row.definition,
    timezone: timezoneOf(row),
    paused: row.paused,
    note: row.note,
    skipAt: skipAt?.toISOString() ?? null,
    nextAt: next?.at ?? null,
    endedAt: row.ended_at?.toISOString() ?? null,
    origin: row.origin,
    form: row.form,
    temporalSpec: row.temporal_spec,
    isApplied,
    problem: isApplied ? null : row.push_problem,
    createdAt: row.created_at.toISOString(),
    createdBy: row.created_by,
    updatedAt: row.updated_at.toISOString(),
    updatedBy: row.updated_by,
  };
}

export function timezoneOf({ definition, project_timezone }: ScheduleRow): string {
  return definition.timezone ?? project_timezone;
}

/** Those that were made with Temporal's own tools count, too. @throws CodedError TOO_MANY_SCHEDULES */
export async function checkScheduleCount(
  client: pg.ClientBase,
  project: { readonly id: string; readonly name: string },
): Promise<void> {
  const found = await client.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM schedule WHERE project_id = $1 AND deleted_at IS NULL',
    [project.id],
  );
  const { schedulesPerProject: most } = limits;
  if ((found.rows[0]?.count ?? 0) < most) return;
  const message = `Project "${project.name}" has ${most} schedules already, which is the limit; delete one first.`;
  throw new CodedError('TOO_MANY_SCHEDULES', message);
}

export async function lockSchedule(
  client: pg.ClientBase,
  { project, name }: ScheduleName,
): Promise<ScheduleRow> {
  const found = await client.query<ScheduleRow>(
    `${selectSchedule} WHERE p.name = $1 AND s.name = $2 AND s.deleted_at IS NULL FOR UPDATE OF s`,
    [project, name],
  );
  const [row] = found.rows;
  if (!row) throw await unknownSchedule(client, { project, name });
  return row;
}

export async function readView(client: pg.ClientBase, id: string): Promise<ScheduleView> {
  const found = await client.query<ScheduleRow>(`${selectSchedule} WHERE s.id = $1`, [id]);
  const [row] = found.rows;
  if (!row) throw new Error(`schedule ${id} was not stored`);
  return toScheduleView(row);
}

export async function unknownSchedule(
  client: Pick<pg.ClientBase, 'query'>,
  { project, name }: ScheduleName,
): Promise<CodedError> {
  const found = await client.query('SELECT FROM project WHERE name = $1', [project]);
  if (found.rows.length === 0) return unknownProject(project);
  return new CodedError('SCHEDULE_UNKNOWN', `Project "${project}" has no schedule "${name}".`);
}
