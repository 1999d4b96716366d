// What was done to schedules with Temporal's own tools. Each write holds only while the row is as it was when it was compared.
import type pg from 'pg';
import type { ScheduleDefinition } from '../graph/schedules/definition.ts';
import type { Database } from './database.ts';
import { insertEvents, type NewEvent } from './events.ts';
import { newId } from './ids.ts';
import { toJson } from './json.ts';
import { enterNamespace } from './lost-schedules.ts';
import { byTools, temporalActor } from './schedule-actors.ts';

/** A row, as it is compared with Temporal. */
export interface MirroredSchedule {
  readonly id: string;
  readonly temporalId: string;
  readonly project: string;
  readonly name: string;
  readonly revision: number;
  readonly pushedRevision: number;
  readonly seen: string | null;
  readonly form: string | null;
  readonly paused: boolean;
  readonly note: string | null;
  readonly isDeleted: boolean;
  /** When it last fired or was changed, where it fires no more. */
  readonly endedAt: Date | null;
}

/** Of a schedule that fires no more. */
export interface ScheduleEnd {
  /** When it last fired or was changed. */
  readonly at: Date;
  readonly by: 'times' | 'limit';
}

/** A schedule in Temporal's own words. */
export interface OutsideSchedule {
  readonly temporalId: string;
  readonly project: string;
  /** Its policies, parameters and time zone: its times are in `spec`. */
  readonly definition: ScheduleDefinition;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly seen: string;
  readonly paused: boolean;
  readonly note: string;
  /** When it was made or last updated, by Temporal's clock. */
  readonly updatedAt: Date;
}

export interface ScheduleMirror {
  /** All that are there, and deleted ones that Temporal has not been told of. */
  mirrored(): Promise<MirroredSchedule[]>;
  /** That of this id in Temporal; null where there is none. */
  mirroredOne(temporalId: string): Promise<MirroredSchedule | null>;
  /** One that was made outside; false where its project is not there, or a row of it is. */
  madeOutside(schedule: OutsideSchedule): Promise<boolean>;
  changedOutside(row: MirroredSchedule, schedule: OutsideSchedule): Promise<boolean>;
  pausedOutside(row: MirroredSchedule, state: Pick<OutsideSchedule, 'paused' | 'note'>): Promise<boolean>;
  deletedOutside(row: MirroredSchedule): Promise<boolean>;
  /** True where Temporal was another one before: it is to be told of all schedules again. */
  enterNamespace(namespaceId: string): Promise<boolean>;
  /** It fires no more; null where it does again. */
  ended(row: MirroredSchedule, end: ScheduleEnd | null): Promise<boolean>;
  /** Temporal is given it again, as it is here. */
  pushAgain(row: MirroredSchedule): Promise<void>;
  /** One that was deleted here is deleted in Temporal again; false where none was. */
  removeAgain(temporalId: string): Promise<boolean>;
}

const selectMirrored = `SELECT s.id, s.temporal_id AS "temporalId", p.name AS project, s.name, s.revision,
    s.pushed_revision AS "pushedRevision", s.seen, s.form, s.paused, s.note, s.deleted_at IS NOT NULL AS "isDeleted",
    s.ended_at AS "endedAt"
  FROM schedule s JOIN project p ON p.id = s.project_id
  WHERE (s.deleted_at IS NULL OR s.pushed_revision < s.revision)`;

export function createScheduleMirror(database: Database): ScheduleMirror {
  const write = (
    row: MirroredSchedule,
    set: string,
    values: readonly unknown[],
    told: Pick<NewEvent, 'reason' | 'note'>,
  ) =>
    database.transaction(async (client) => {
      const updated = await client.query(
        `UPDATE schedule SET ${set}, revision = revision + 1, pushed_revision = revision + 1, push_problem = NULL,
           push_after = NULL, updated_at = now(), updated_by = $3
         WHERE id = $1 AND revision = $2 AND pushed_revision = $2 AND deleted_at IS NULL AND seen IS NOT DISTINCT FROM $4
           AND (push_after IS NULL OR push_after < now())`,
        [row.id, row.revision, temporalActor, row.seen, ...values],
      );
      if (updated.rowCount === 0) return false;
      const { project, name: schedule } = row;
      await insertEvents(client, [{ type: 'schedule', project, schedule, actor: temporalActor, ...told }]);
      return true;
    });
  return {
    mirrored: async () => {
      const found = await database.pool.query<MirroredSchedule>(`${selectMirrored} ORDER BY s.id`);
      return found.rows;
    },
    mirroredOne: async (temporalId) => {
      const found = await database.pool.query<MirroredSchedule>(
        `${selectMirrored} AND s.temporal_id = $1 ORDER BY s.id DESC LIMIT 1`,
        [temporalId],
      );
      return found.rows[0] ?? null;
    },
    madeOutside: (schedule) => database.transaction((client) => insertOutside(client, schedule)),
    changedOutside: (row, { definition, spec, seen, paused, note, updatedAt }) =>
      write(
        row,
        `definition = $5, temporal_spec = $6, seen = $7, paused = $8, note = $9, form = 'temporal', pushed_until = NULL,
         pushed_limit = NULL, seen_paused = $8, seen_note = $10, defined_at = $11,
         ended_at = NULL, ended_by = NULL`,
        [toJson(definition), toJson(spec), seen, paused, note || null, note, updatedAt],
        { reason: 'changed', note: byTools },
      ),
    pausedOutside: (row, { paused, note }) =>
      write(row, 'paused = $5, note = $6, seen_paused = $5, seen_note = $7', [paused, note || null, note], {
        reason: paused ? 'paused' : 'unpaused',
        note: note || null,
      }),
    deletedOutside: (row) => write(row, 'deleted_at = now()', [], { reason: 'deleted', note: byTools }),
    enterNamespace: (namespaceId) => database.transaction((client) => enterNamespace(client, namespaceId)),
    ended: (row, end) => database.transaction((client) => noteEnd(client, row, end)),
    pushAgain: async ({ id, revision }) => {
      await database.pool.query(
        `UPDATE schedule SET revision = revision + 1 WHERE id = $1 AND revision = $2 AND pushed_revision = $2
           AND (push_after IS NULL OR push_after < now())`,
        [id, revision],
      );
    },
    removeAgain: async (temporalId) => {
      const found = await database.pool.query(
        `UPDATE schedule SET revision = revision + 1 WHERE id = (
           SELECT id FROM schedule o WHERE temporal_id = $1 AND deleted_at IS NOT NULL AND NOT EXISTS (
             SELECT FROM schedule s WHERE s.temporal_id = $1 AND s.deleted_at IS NULL)
           ORDER BY deleted_at DESC LIMIT 1)`,
        [temporalId],
      );
      return found.rowCount === 1;
    },
  };
}

/** No change: Temporal need not be told of it. */
async function noteEnd(
  client: pg.ClientBase,
  row: MirroredSchedule,
  end: ScheduleEnd | null,
): Promise<boolean> {
  const { id, revision, project, name: schedule } = row;
  const noted = await client.query(
    `UPDATE schedule SET ended_at = $3, ended_by = $4
     WHERE id = $1 AND revision = $2 AND pushed_revision = $2 AND deleted_at IS NULL`,
    [id, revision, end?.at ?? null, end?.by ?? null],
  );
  if (noted.rowCount === 0) return false;
  if (!end || row.endedAt) return true;
  const note = end.by === 'limit' ? 'its limit of runs is used up' : 'it has no more times';
  const event = { type: 'schedule', project, schedule, actor: temporalActor } as const;
  await insertEvents(client, [{ ...event, reason: 'ended', note }]);
  return true;
}

async function insertOutside(client: pg.ClientBase, schedule: OutsideSchedule): Promise<boolean> {
  const { project, temporalId, definition, spec, seen, paused, note, updatedAt } = schedule;
  const found = await client.query<{ id: string }>('SELECT id FROM project WHERE name = $1 FOR SHARE', [
    project,
  ]);
  const [owner] = found.rows;
  if (!owner) return false;
  const known = await client.query(
    'SELECT FROM schedule WHERE temporal_id = $1 AND (deleted_at IS NULL OR pushed_revision < revision)',
    [temporalId],
  );
  if (known.rows.length > 0) return false;
  const name = nameOf(schedule);
  const inserted = await client.query(
    `INSERT INTO schedule (id, project_id, name, temporal_id, definition, temporal_spec, seen, paused, note, origin, form,
       pushed_revision, created_by, updated_by, seen_paused, seen_note, defined_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'temporal', 'temporal', 1, $10, $10, $8, $11, $12) ON CONFLICT DO NOTHING`,
    [
      ...[newId(), owner.id, name, temporalId, toJson(definition), toJson(spec)],
      ...[seen, paused, note || null, temporalActor, note, updatedAt],
    ],
  );
  if (inserted.rowCount === 0) return false;
  const event = {
    type: 'schedule',
    project,
    schedule: name,
    reason: 'created',
    actor: temporalActor,
  } as const;
  await insertEvents(client, [{ ...event, note: note || null }]);
  return true;
}

/** As its id has it, where that says the project first, as ours do. */
function nameOf({ temporalId, project }: OutsideSchedule): string {
  const prefix = `${project}/`;
  return temporalId.startsWith(prefix) ? temporalId.slice(prefix.length) : temporalId;
}
