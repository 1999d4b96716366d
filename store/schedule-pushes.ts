// What Temporal has not been told of schedules yet.
import type pg from 'pg';
import type { ScheduleDefinition } from '../graph/schedules/definition.ts';
import type { Database } from './database.ts';
import { insertEvents, type NewEvent } from './events.ts';
import { toJson } from './json.ts';
import type { OutsideSchedule } from './mirror-schedules.ts';
import { countMade } from './past-runs.ts';
import { byTools, temporalActor } from './schedule-actors.ts';

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
  /** Runs of its limit that it has made; none of one without a limit. */
  readonly made: number;
  /** Which claim this is: another one after it takes it away. */
  readonly claim: number;
  /** What Temporal had when it was last looked at, beside its state; null where it had none. */
  readonly seen: string | null;
  /** Its state then, of which the note is empty for none. */
  readonly seenPaused: boolean | null;
  readonly seenNote: string | null;
  /** When its definition was last changed, by whomever. */
  readonly definedAt: Date;
  /** It fires no more: where Temporal has none, it has forgotten it, and needs none. */
  readonly isEnded: boolean;
  /** Its definition was changed here, and Temporal does not have that. */
  readonly isDefinedHere: boolean;
  /** Temporal has had all of it, and is given more times alone. */
  readonly isRenewal: boolean;
}

/** What Temporal has taken. */
export interface PushedSchedule {
  readonly form: 'plain' | 'utc' | 'temporal';
  /** What Temporal has now, beside its state. */
  readonly seen: string;
  /** Until then it has all times of the schedule; null: for ever. */
  readonly until: Date | null;
  /** Its state, which somebody may have changed there; the note is empty for none. */
  readonly paused: boolean;
  readonly note: string;
  /** What was done to it with Temporal's own tools and counts no more; null for nothing. */
  readonly overruled: string | null;
}

export interface SchedulePushes {
  /** Ids of those that Temporal is to be told of. */
  due(most: number): Promise<string[]>;
  /** Of the project and the name. */
  idOf(project: string, name: string): Promise<string | null>;
  /** For whoever tells Temporal: for a while no other one does. Null where there is nothing to tell, or another one is at it. */
  claim(id: string): Promise<ScheduleToPush | null>;
  /**
   * Temporal has it at this revision. Where the claim was lost, Temporal may have an older state now than another one has told it:
   * `again`, it is to be told again; `gone`, there is no such schedule any more.
   */
  pushed(schedule: ScheduleToPush, pushed: PushedSchedule | null): Promise<'kept' | 'again' | 'gone'>;
  /** Temporal has a newer definition. What was done to its state here is still to be told. */
  outdated(schedule: ScheduleToPush, newer: OutsideSchedule): Promise<void>;
  /** Temporal is told nothing, and whoever comes next may look at it. */
  release(schedule: ScheduleToPush): Promise<void>;
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

export function createSchedulePushes(database: Database): SchedulePushes {
  const { pool } = database;
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
        `UPDATE schedule s SET push_after = now() + $2::interval, push_claim = push_claim + 1 FROM project p
         WHERE s.id = $1 AND p.id = s.project_id AND ${isDue}
         RETURNING s.id, s.revision, p.name AS project, coalesce(s.definition ->> 'timezone', p.timezone) AS timezone, s.name,
           s.temporal_id AS "temporalId", s.definition, s.paused, s.note, s.form, s.pushed_limit AS "pushedLimit",
           s.deleted_at IS NOT NULL AS "isDeleted", s.push_claim AS claim, s.seen, s.seen_paused AS "seenPaused",
           s.seen_note AS "seenNote", s.defined_at AS "definedAt", s.defined_revision > s.pushed_revision AS "isDefinedHere",
           s.ended_at IS NOT NULL AS "isEnded", s.pushed_revision = s.revision AND s.seen IS NOT NULL AS "isRenewal",
           CASE WHEN s.definition ->> 'limit' IS NULL THEN 0 ELSE ${countMade('s.id')} END AS made`,
        [id, claimLasts],
      );
      return found.rows[0] ?? null;
    },
    pushed: (schedule, pushed) => database.transaction((client) => notePushed(client, schedule, pushed)),
    outdated: (schedule, newer) => database.transaction((client) => takeNewer(client, schedule, newer)),
    release: (schedule) => release(pool, schedule),
    postpone: async (schedule, problem) => {
      const { id, claim } = schedule;
      const postponed = await pool.query(
        'UPDATE schedule SET push_problem = $3, push_after = now() + $4::interval WHERE id = $1 AND push_claim = $2',
        [id, claim, problem, retryAfter],
      );
      // It may have come to Temporal all the same.
      if (postponed.rowCount === 0) await pushAgain(pool, schedule);
    },
  };
}

async function notePushed(
  client: pg.ClientBase,
  schedule: ScheduleToPush,
  pushed: PushedSchedule | null,
): Promise<'kept' | 'again' | 'gone'> {
  const { id, revision, claim, definition, project, name } = schedule;
  const { paused = null, note = null, overruled = null } = pushed ?? {};
  const kept = await client.query(
    `UPDATE schedule SET pushed_revision = greatest(pushed_revision, $2), form = $4, pushed_until = $5, pushed_limit = $6,
       seen = $7, seen_paused = $8, seen_note = $9, temporal_spec = CASE WHEN $4 = 'temporal' THEN temporal_spec END,
       pushed_at = CASE WHEN revision = $2 AND pushed_revision < $2 AND (pushed_at IS NULL OR pushed_at < updated_at) THEN now() ELSE pushed_at END,
       push_problem = NULL, push_after = NULL
     WHERE id = $1 AND push_claim = $3`,
    [
      ...[id, revision, claim, pushed?.form ?? null, pushed?.until ?? null, definition.limit ?? null],
      ...[pushed?.seen ?? null, paused, note],
    ],
  );
  if (kept.rowCount === 0) return pushAgain(client, schedule);
  const event = { type: 'schedule', project, schedule: name, actor: temporalActor } as const;
  const events: NewEvent[] = overruled === null ? [] : [{ ...event, reason: 'overruled', note: overruled }];
  if (pushed && (pushed.paused !== schedule.paused || pushed.note !== (schedule.note ?? ''))) {
    // Somebody has changed its state there. What was done here since is a later revision, and stays.
    const followed = await client.query(
      'UPDATE schedule SET paused = $3, note = $4, updated_by = $5 WHERE id = $1 AND revision = $2',
      [id, revision, paused, note || null, temporalActor],
    );
    const reason = paused ? 'paused' : 'unpaused';
    if (followed.rowCount === 1) events.push({ ...event, reason, note: note || null });
  }
  await insertEvents(client, events);
  return 'kept';
}

async function takeNewer(
  client: pg.ClientBase,
  schedule: ScheduleToPush,
  newer: OutsideSchedule,
): Promise<void> {
  const { id, revision, claim, project, name, isDefinedHere } = schedule;
  const isToldAll = stateIsTold(schedule);
  const found = await client.query<{ updated_by: string }>(
    'SELECT updated_by FROM schedule WHERE id = $1 AND revision = $2 AND push_claim = $3 AND deleted_at IS NULL FOR UPDATE',
    [id, revision, claim],
  );
  const [before] = found.rows;
  if (!before) {
    await release(client, schedule);
    return;
  }
  const { definition, spec, seen, paused, note, updatedAt } = newer;
  await client.query(
    `UPDATE schedule SET definition = $2, temporal_spec = $3, form = 'temporal', pushed_until = NULL, pushed_limit = NULL,
       seen = $4, defined_at = $5, defined_revision = 1, revision = revision + 1,
       pushed_revision = CASE WHEN $6 THEN revision + 1 ELSE greatest(pushed_revision, 1) END,
       paused = CASE WHEN $6 THEN $7 ELSE paused END, note = CASE WHEN $6 THEN $8 ELSE note END,
       seen_paused = CASE WHEN $6 THEN $7 ELSE seen_paused END, seen_note = CASE WHEN $6 THEN $9 ELSE seen_note END,
       ended_at = NULL, ended_by = NULL, updated_at = now(), updated_by = $10, push_problem = NULL, push_after = NULL
     WHERE id = $1`,
    [
      ...[id, toJson(definition), toJson(spec), seen, updatedAt],
      ...[isToldAll, paused, note || null, note, temporalActor],
    ],
  );
  const event = { type: 'schedule', project, schedule: name } as const;
  const told = "a newer change with Temporal's own tools counts";
  const lost = { ...event, reason: 'overruled', actor: before.updated_by, note: told };
  const won = { ...event, reason: 'changed', actor: temporalActor, note: byTools };
  await insertEvents(client, isDefinedHere ? [won, lost] : [won]);
}

async function release(
  client: Pick<pg.ClientBase, 'query'>,
  { id, claim }: Pick<ScheduleToPush, 'id' | 'claim'>,
): Promise<void> {
  await client.query('UPDATE schedule SET push_after = NULL WHERE id = $1 AND push_claim = $2', [id, claim]);
}

/** Nothing was done to its state here that Temporal does not have. */
function stateIsTold({ paused, note, seenPaused, seenNote }: ScheduleToPush): boolean {
  return seenPaused === null || (paused === seenPaused && (note ?? '') === seenNote);
}

/** Of those of its id in Temporal the one that is there, else itself. */
async function pushAgain(
  client: Pick<pg.ClientBase, 'query'>,
  { id, temporalId }: Pick<ScheduleToPush, 'id' | 'temporalId'>,
): Promise<'again' | 'gone'> {
  const bumped = await client.query(
    `UPDATE schedule SET revision = revision + 1 WHERE id = (
       SELECT id FROM schedule WHERE temporal_id = $1 AND (deleted_at IS NULL OR id = $2)
       ORDER BY deleted_at DESC NULLS FIRST LIMIT 1)`,
    [temporalId, id],
  );
  return bumped.rowCount === 0 ? 'gone' : 'again';
}
