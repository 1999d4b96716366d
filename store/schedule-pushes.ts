// What Temporal has not been told of schedules yet.
import type pg from 'pg';
import type { ScheduleDefinition } from '../graph/schedules/definition.ts';
import type { Database } from './database.ts';
import type { NewEvent } from './events.ts';

/** A schedule as Temporal is to have it. */
export interface ScheduleToPush {
  readonly id: string;
  readonly revision: number;
  readonly project: string;
  /** Its own, or else the project's. */
  readonly timezone: string;
  readonly name: string;
  readonly temporalId: string;
  readonly definition: ScheduleDefinition;
  readonly paused: boolean;
  readonly note: string | null;
  readonly isDeleted: boolean;
  /** How Temporal has it, so far. */
  readonly form: PushedSchedule['form'] | null;
  /** The limit of runs that Temporal counts down from; null for none. */
  readonly pushedLimit: number | null;
}

/** What Temporal has taken. */
export interface PushedSchedule {
  readonly form: 'plain' | 'utc' | 'temporal';
  /** What Temporal has now, beside its state. */
  readonly seen: string;
  /** Until then it has all times of the schedule; null: for ever. */
  readonly until: Date | null;
}

export interface SchedulePushes {
  /** Ids of those that Temporal is to be told of. */
  due(most: number): Promise<string[]>;
  /** Of the project and the name. */
  idOf(project: string, name: string): Promise<string | null>;
  /** For whoever tells Temporal: for a while no other one does. Null where there is nothing to tell, or another one is at it. */
  claim(id: string): Promise<ScheduleToPush | null>;
  /** Temporal has it at this revision. */
  pushed(schedule: ScheduleToPush, pushed: PushedSchedule | null): Promise<void>;
  /** It is tried again later. */
  postpone(schedule: ScheduleToPush, problem: string): Promise<void>;
}

const claimLasts = '20 seconds';
const retryAfter = '2 seconds';
/** Temporal is given more times before those that it has run out. */
const renewBefore = '400 days';

/** One that was deleted leaves Temporal before another of its name comes there. */
const isDue = `(s.pushed_revision < s.revision OR (s.deleted_at IS NULL AND s.pushed_until < now() + '${renewBefore}'::interval))
  AND (s.push_after IS NULL OR s.push_after < now())
  AND NOT EXISTS (
    SELECT FROM schedule o
    WHERE o.pushed_revision < o.revision AND o.temporal_id = s.temporal_id AND o.deleted_at IS NOT NULL AND o.id <> s.id)`;

export function createSchedulePushes({ pool }: Database): SchedulePushes {
  return {
    due: async (most) => {
      const found = await pool.query<{ id: string }>(
        `SELECT s.id FROM schedule s WHERE ${isDue} ORDER BY s.updated_at, s.id LIMIT $1`,
        [most],
      );
      return found.rows.map(({ id }) => id);
    },
    idOf: async (project, name) => {
      const found = await pool.query<{ id: string }>(
        `SELECT s.id FROM schedule s JOIN project p ON p.id = s.project_id WHERE p.name = $1 AND s.name = $2
         ORDER BY s.created_at DESC LIMIT 1`,
        [project, name],
      );
      return found.rows[0]?.id ?? null;
    },
    claim: async (id) => {
      const found = await pool.query<ScheduleToPush>(
        `UPDATE schedule s SET push_after = now() + $2::interval FROM project p
         WHERE s.id = $1 AND p.id = s.project_id AND ${isDue}
         RETURNING s.id, s.revision, p.name AS project, coalesce(s.definition ->> 'timezone', p.timezone) AS timezone, s.name,
           s.temporal_id AS "temporalId", s.definition, s.paused, s.note, s.form, s.pushed_limit AS "pushedLimit",
           s.deleted_at IS NOT NULL AS "isDeleted"`,
        [id, claimLasts],
      );
      return found.rows[0] ?? null;
    },
    pushed: async ({ id, revision, definition }, pushed) => {
      await pool.query(
        `UPDATE schedule SET pushed_revision = greatest(pushed_revision, $2), form = $3, pushed_until = $4, pushed_limit = $5,
           seen = $6, temporal_spec = CASE WHEN $3 = 'temporal' THEN temporal_spec END, push_problem = NULL, push_after = NULL
         WHERE id = $1`,
        [
          ...[id, revision, pushed?.form ?? null, pushed?.until ?? null, definition.limit ?? null],
          pushed?.seen ?? null,
        ],
      );
    },
    postpone: async ({ id }, problem) => {
      await pool.query(
        'UPDATE schedule SET push_problem = $2, push_after = now() + $3::interval WHERE id = $1',
        [id, problem, retryAfter],
      );
    },
  };
}

/** Those that go by the clock of their project, which was put into another time zone. Answers with the events of it. */
export async function retimeSchedules(
  client: pg.ClientBase,
  project: { readonly id: string; readonly name: string },
  actor: string,
): Promise<NewEvent[]> {
  const found = await client.query<{ name: string }>(
    `UPDATE schedule SET revision = revision + 1, updated_at = now(), updated_by = $2
     WHERE project_id = $1 AND deleted_at IS NULL AND NOT definition ? 'timezone' RETURNING name`,
    [project.id, actor],
  );
  return found.rows.map(({ name }) => ({
    type: 'schedule',
    project: project.name,
    schedule: name,
    reason: 'retimed',
    actor,
  }));
}
