// Schedules: each change is a row and an event first. Temporal is told afterwards, and again until it has it (watch/).
import { isDeepStrictEqual } from 'node:util';
import type pg from 'pg';
import { CodedError, type Problem, summarizeProblems } from '../graph/errors.ts';
import type { Page } from '../graph/resources.ts';
import { tooManyCalendars } from '../graph/schedules/calendars-needed.ts';
import type { ScheduleDefinition } from '../graph/schedules/definition.ts';
import { nextTicks } from '../graph/schedules/preview.ts';
import { type ReadSchedule, readSchedule } from '../graph/schedules/read-schedule.ts';
import type { SchedulePreview, ScheduleView } from '../graph/schedules/resources.ts';
import { skipToCome } from '../graph/schedules/skips.ts';
import type { Database } from './database.ts';
import { dropSkip } from './drop-skips.ts';
import type { GraphCache } from './graph-cache.ts';
import { answerOnce } from './idempotency.ts';
import { newId } from './ids.ts';
import { createScheduleMirror, type ScheduleMirror } from './mirror-schedules.ts';
import { completeParams, planRun } from './new-runs.ts';
import { cutPage, decodeCursor, encodeCursor } from './pages.ts';
import { unknownProject } from './projects.ts';
import { createSchedulePushes, type SchedulePushes } from './schedule-pushes.ts';
import {
  checkScheduleCount,
  lockSchedule,
  readView,
  type ScheduleName,
  type ScheduleRow,
  selectSchedule,
  timezoneOf,
  toScheduleView,
  unknownSchedule,
} from './schedule-rows.ts';
import { type ScheduleSkip, skipNext } from './skip-schedules.ts';
import type { NewGraphRun, Once, PageRequest } from './store.ts';

export interface NewSchedule extends ScheduleName {
  /** As it was sent: it is read with the project's time zone. */
  readonly written: unknown;
  readonly paused: boolean;
  readonly note: string | null;
  readonly actor: string;
}

export interface ScheduleChange extends ScheduleName {
  /** What is put in the place of the parts of its definition; null takes a part away. */
  readonly written: Readonly<Record<string, unknown>>;
  readonly actor: string;
}

export interface SchedulePause extends ScheduleName {
  readonly paused: boolean;
  readonly note: string | null;
  readonly actor: string;
}

/** All may throw CodedError PROJECT_UNKNOWN; those for one schedule SCHEDULE_UNKNOWN. */
export interface Schedules extends SchedulePushes, ScheduleMirror {
  /** @throws CodedError SCHEDULE_EXISTS, SCHEDULE_INVALID, SELECTION_INVALID, PARAMS_INVALID */
  create(schedule: NewSchedule, once?: Once<ScheduleView>): Promise<ScheduleView>;
  get(name: ScheduleName): Promise<ScheduleView>;
  list(project: string, page: PageRequest): Promise<Page<ScheduleView>>;
  /** @throws CodedError SCHEDULE_INVALID, SELECTION_INVALID, PARAMS_INVALID */
  change(change: ScheduleChange): Promise<ScheduleView>;
  /** One that is as it is asked to be is not changed. */
  pause(pause: SchedulePause, once?: Once<ScheduleView>): Promise<ScheduleView>;
  /** The next time makes no run; one that was skipped before stays so. @throws CodedError SCHEDULE_HAS_NO_NEXT */
  skipNext(skip: ScheduleSkip, once?: Once<ScheduleView>): Promise<ScheduleView>;
  remove(name: ScheduleName, actor: string): Promise<void>;
  /** Of one that stands in Temporal in its own words, who is to be asked. */
  preview(
    name: ScheduleName,
    count: number,
  ): Promise<SchedulePreview | { readonly temporalId: string; readonly timezone: string }>;
  /** What a run is made of that is triggered now. */
  toTrigger(name: ScheduleName): Promise<Omit<NewGraphRun, 'actor'>>;
}

export function createSchedules(database: Database, cache: GraphCache): Schedules {
  const get = async ({ project, name }: ScheduleName) => {
    const found = await database.pool.query<ScheduleRow>(
      `${selectSchedule} WHERE p.name = $1 AND s.name = $2 AND s.deleted_at IS NULL`,
      [project, name],
    );
    const [row] = found.rows;
    if (!row) throw await unknownSchedule(database.pool, { project, name });
    return row;
  };
  return {
    ...createSchedulePushes(database),
    ...createScheduleMirror(database),
    create: (schedule, once) =>
      database.transaction((client) =>
        answerOnce(client, once, () => insertSchedule(client, cache, schedule)),
      ),
    get: async (name) => toScheduleView(await get(name)),
    list: (project, page) => listSchedules(database, project, page),
    change: (change) =>
      database.transaction((client) =>
        answerOnce(client, undefined, () => changeDefinition(client, cache, change)),
      ),
    pause: (pause, once) =>
      database.transaction((client) => answerOnce(client, once, () => pauseSchedule(client, pause))),
    skipNext: (skip, once) =>
      database.transaction((client) => answerOnce(client, once, () => skipNext(client, skip))),
    remove: async (name, actor) => {
      await database.transaction((client) =>
        answerOnce(client, undefined, () => removeSchedule(client, name, actor)),
      );
    },
    preview: async (name, count) => {
      const row = await get(name);
      const read = readSchedule(row.definition, { timezone: row.project_timezone, now: Date.now() });
      // What was written there with Temporal's own tools, nobody else reads.
      if (!read.ok && row.form === 'temporal')
        return { temporalId: row.temporal_id, timezone: timezoneOf(row) };
      const { timing } = accept(read);
      const { timezone } = timing;
      const items = row.ended_at
        ? []
        : nextTicks(timing, Date.now(), count, skipToCome(row.skipped, Date.now()));
      return { timezone, readBy: 'graphrun', items };
    },
    toTrigger: async (name) => {
      const { id, project, definition } = await get(name);
      const { params = {}, select = null } = definition;
      return { project, params, select, schedule: { scheduleId: id, scheduledAt: new Date() } };
    },
  };
}

async function insertSchedule(client: pg.ClientBase, cache: GraphCache, schedule: NewSchedule) {
  const { project, name, written, paused, note, actor } = schedule;
  const owner = await lockProject(client, project);
  const { definition, timing } = acceptWritten(written, owner);
  checkEnd(timing.endAt);
  await checkRuns(client, cache, owner, definition);
  await checkScheduleCount(client, owner);
  const id = newId();
  const inserted = await client.query(
    `INSERT INTO schedule (id, project_id, name, temporal_id, definition, paused, note, origin, created_by, updated_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 'api', $8, $8) ON CONFLICT DO NOTHING`,
    [id, owner.id, name, `${project}/${name}`, JSON.stringify(definition), paused, note, actor],
  );
  if (inserted.rowCount === 0) {
    const message = `Project "${project}" has a schedule "${name}" already; change that, or choose another name.`;
    throw new CodedError('SCHEDULE_EXISTS', message);
  }
  const event = { type: 'schedule', project, schedule: name, reason: 'created', actor, note } as const;
  return { made: await readView(client, id), events: [event] };
}

async function changeDefinition(client: pg.ClientBase, cache: GraphCache, change: ScheduleChange) {
  const { project, name, written, actor } = change;
  const owner = await lockProject(client, project);
  const row = await lockSchedule(client, change);
  const merged = Object.entries({ ...row.definition, ...written }).filter(([, value]) => value !== null);
  const { definition, timing } = acceptWritten(Object.fromEntries(merged), owner);
  await checkRuns(client, cache, owner, definition);
  if (isDeepStrictEqual(definition, row.definition)) {
    return { made: toScheduleView(row), events: [] };
  }
  await client.query(`UPDATE schedule SET definition = $3, ${redefined}, ${changed} WHERE id = $1`, [
    row.id,
    actor,
    JSON.stringify(definition),
  ]);
  const unskipped = await dropSkip(client, row, timing, actor);
  const event = { type: 'schedule', project, schedule: name, reason: 'changed', actor } as const;
  return { made: await readView(client, row.id), events: [event, ...unskipped] };
}

async function pauseSchedule(client: pg.ClientBase, pause: SchedulePause) {
  const { project, name, paused, note, actor } = pause;
  const row = await lockSchedule(client, pause);
  if (row.paused === paused && (note === null || row.note === note)) {
    return { made: toScheduleView(row), events: [] };
  }
  await client.query(`UPDATE schedule SET paused = $3, note = $4, ${changed} WHERE id = $1`, [
    row.id,
    actor,
    paused,
    note,
  ]);
  const reason = paused ? 'paused' : 'unpaused';
  const event = { type: 'schedule', project, schedule: name, reason, actor, note } as const;
  return { made: await readView(client, row.id), events: [event] };
}

async function removeSchedule(client: pg.ClientBase, { project, name }: ScheduleName, actor: string) {
  const row = await lockSchedule(client, { project, name });
  await client.query(`UPDATE schedule SET deleted_at = now(), ${changed} WHERE id = $1`, [row.id, actor]);
  const event = { type: 'schedule', project, schedule: name, reason: 'deleted', actor } as const;
  return { made: undefined, events: [event] };
}

/** By $3. Where its limit of runs is used up, another limit lets it go on, and nothing else. */
const redefined = `defined_revision = revision + 1, defined_at = now(),
  ended_at = CASE WHEN ended_by = 'limit' AND pushed_limit = ($3::jsonb ->> 'limit')::int THEN ended_at END,
  ended_by = CASE WHEN ended_by = 'limit' AND pushed_limit = ($3::jsonb ->> 'limit')::int THEN ended_by END`;

/** Of a row that was changed by $2: Temporal has to be told. */
const changed = 'revision = revision + 1, updated_at = now(), updated_by = $2';

interface Owner {
  readonly id: string;
  readonly name: string;
  readonly timezone: string;
  readonly version: number | null;
}

/** A delete of the project, or a change of its time zone, comes before or after. */
async function lockProject(client: pg.ClientBase, project: string): Promise<Owner> {
  const found = await client.query<Owner>(
    'SELECT id, name, timezone, current_version AS version FROM project WHERE name = $1 FOR SHARE',
    [project],
  );
  const [row] = found.rows;
  if (!row) throw unknownProject(project);
  return row;
}

/** What its runs would be refused for, as far as the project has a graph. */
async function checkRuns(
  client: pg.ClientBase,
  cache: GraphCache,
  owner: Owner,
  { params = {}, select }: ScheduleDefinition,
): Promise<void> {
  if (owner.version === null) return;
  const graph = await cache.load(client, owner.id, owner.version);
  completeParams(graph, params);
  planRun(graph, select ?? null);
}

/** One that is stored already is not refused for what Temporal would have to be given. */
function acceptWritten(written: unknown, { timezone }: Owner) {
  const now = Date.now();
  const read = accept(readSchedule(written, { timezone, now }));
  const problem = tooManyCalendars(read.timing, now);
  if (problem) throw invalidSchedule([problem]);
  return read;
}

/** A change may end one; a new one that is over is a mistake. */
function checkEnd(endAt: number | null): void {
  if (endAt === null || endAt > Date.now()) return;
  const message = `read ${new Date(endAt).toISOString()}, which has passed: expected a time to come, or none`;
  throw invalidSchedule([{ code: 'SHAPE_INVALID', path: '/endAt', message }]);
}

function accept(read: ReadSchedule) {
  if (read.ok) return read;
  throw invalidSchedule(read.problems);
}

export function invalidSchedule(problems: readonly Problem[]): CodedError {
  const message = `The schedule is not valid: ${summarizeProblems(problems)}. Nothing was stored.`;
  return new CodedError('SCHEDULE_INVALID', message, { problems });
}

async function listSchedules(database: Database, project: string, page: PageRequest) {
  const cursor = decodeCursor(page);
  const found = await database.pool.query<ScheduleRow>(
    `${selectSchedule} WHERE p.name = $2 AND s.deleted_at IS NULL
       AND ($3::timestamptz IS NULL OR (s.created_at, s.id) < ($3::timestamptz, $4::uuid))
     ORDER BY s.created_at DESC, s.id DESC LIMIT $1`,
    [page.limit + 1, project, cursor?.createdAt ?? null, cursor?.id ?? null],
  );
  if (found.rows.length === 0) {
    const owner = await database.pool.query('SELECT FROM project WHERE name = $1', [project]);
    if (owner.rows.length === 0) throw unknownProject(project);
  }
  return cutPage(found.rows, page.limit, toScheduleView, (row) =>
    encodeCursor({ createdAt: row.created_at, id: row.id }),
  );
}
