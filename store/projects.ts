import type pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import type { ProjectView } from '../graph/resources.ts';
import type { Database } from './database.ts';
import { insertEvents } from './events.ts';
import { answerOnce } from './idempotency.ts';
import { newId } from './ids.ts';
import { type CreatedCursor, cutPage, decodeCursor, encodeCursor } from './pages.ts';
import { retimeSchedules } from './retime-schedules.ts';
import type { NewProject, Once, PageRequest, Projects } from './store.ts';
import { layTombstone, refuseTombstone } from './tombstones.ts';

interface ProjectRow {
  readonly id: string;
  readonly name: string;
  readonly timezone: string;
  readonly current_version: number | null;
  readonly state: ProjectView['state'];
  readonly created_at: Date;
  readonly created_by: string;
  readonly updated_at: Date;
  readonly updated_by: string;
}

const projectColumns =
  'p.id, p.name, p.timezone, p.current_version, p.created_at, p.created_by, p.updated_at, p.updated_by';

/** A project's state is that of its most recently created run: read with it, never stored. */
const selectProject = `
  SELECT ${projectColumns}, latest.state
  FROM project p
  LEFT JOIN LATERAL (
    SELECT r.state FROM graph_run r WHERE r.project_id = p.id ORDER BY r.created_at DESC, r.id DESC LIMIT 1
  ) latest ON true`;

export function createProjects(database: Database): Projects {
  const get = async (name: string) => {
    const found = await database.pool.query<ProjectRow>(`${selectProject} WHERE p.name = $1`, [name]);
    const row = found.rows[0];
    if (!row) throw unknownProject(name);
    return toView(row);
  };
  return {
    get,
    list: (page) => listProjects(database, page),
    create: (project, once) => createProject(database, project, once),
    update: async (name, change) => {
      await updateProject(database, name, change);
      return get(name);
    },
    remove: (name, actor) => removeProject(database, name, actor),
  };
}

async function createProject(
  database: Database,
  { name, timezone, actor }: NewProject,
  once: Once<ProjectView> | undefined,
): Promise<ProjectView> {
  const insert = async (client: pg.ClientBase) => {
    const inserted = await client.query<ProjectRow>(
      `INSERT INTO project AS p (id, name, timezone, created_by, updated_by) VALUES ($1, $2, $3, $4, $4)
       ON CONFLICT (name) DO NOTHING RETURNING ${projectColumns}, NULL AS state`,
      [newId(), name, timezone, actor],
    );
    const [row] = inserted.rows;
    if (!row) throw new CodedError('PROJECT_EXISTS', `A project "${name}" exists already.`);
    await refuseTombstone(client, name);
    const event = { type: 'project', project: name, reason: 'created', actor } as const;
    return { made: toView(row), events: [event] };
  };
  return database.transaction((client) => answerOnce(client, once, () => insert(client)));
}

async function updateProject(
  database: Database,
  name: string,
  { timezone, actor }: { readonly timezone: string; readonly actor: string },
): Promise<void> {
  await database.transaction(async (client) => {
    const found = await client.query<{ id: string; timezone: string }>(
      'SELECT id, timezone FROM project WHERE name = $1 FOR UPDATE',
      [name],
    );
    const [row] = found.rows;
    if (!row) throw unknownProject(name);
    await client.query(
      'UPDATE project SET timezone = $2, updated_by = $3, updated_at = now() WHERE id = $1',
      [row.id, timezone, actor],
    );
    if (row.timezone === timezone) return;
    await insertEvents(client, await retimeSchedules(client, { id: row.id, name }, actor));
  });
}

/** The id of a project. @throws CodedError PROJECT_UNKNOWN */
export async function projectIdOf(database: Database, name: string): Promise<string> {
  const found = await database.prisma.project.findUnique({ where: { name }, select: { id: true } });
  if (!found) throw unknownProject(name);
  return found.id;
}

export function unknownProject(name: string): CodedError {
  return new CodedError(
    'PROJECT_UNKNOWN',
    `There is no project "${name}"; create it, or push its graph with graphrun push.`,
  );
}

async function listProjects(database: Database, page: PageRequest) {
  const cursor: CreatedCursor | null = decodeCursor(page);
  const sql = `${selectProject}
    WHERE $2::timestamptz IS NULL OR (p.created_at, p.id) < ($2::timestamptz, $3::uuid)
    ORDER BY p.created_at DESC, p.id DESC LIMIT $1`;
  const found = await database.pool.query<ProjectRow>(sql, [
    page.limit + 1,
    cursor?.createdAt ?? null,
    cursor?.id ?? null,
  ]);
  return cutPage(found.rows, page.limit, toView, (row) =>
    encodeCursor({ createdAt: row.created_at, id: row.id }),
  );
}

async function removeProject(database: Database, name: string, actor: string): Promise<void> {
  await database.transaction(async (client) => {
    const found = await client.query<{ id: string }>('SELECT id FROM project WHERE name = $1 FOR UPDATE', [
      name,
    ]);
    const id = found.rows[0]?.id;
    if (id === undefined) throw unknownProject(name);
    const open = await client.query<{ count: number }>(
      `SELECT (SELECT count(*) FROM graph_run WHERE project_id = $1 AND completed_at IS NULL)::int
            + (SELECT count(*) FROM job_run WHERE project_id = $1 AND graph_run_id IS NULL AND completed_at IS NULL)::int
         AS count`,
      [id],
    );
    const count = open.rows[0]?.count ?? 0;
    if (count > 0) {
      throw new CodedError(
        'PROJECT_HAS_OPEN_RUNS',
        `Project "${name}" has ${count} runs that have not ended; wait for them or cancel them.`,
      );
    }
    const schedules = await client.query<{ temporal_id: string }>(
      'SELECT DISTINCT temporal_id FROM schedule WHERE project_id = $1 AND (deleted_at IS NULL OR pushed_revision < revision)',
      [id],
    );
    await client.query('DELETE FROM project WHERE id = $1', [id]);
    await layTombstone(client, { name, schedules: schedules.rows.map((row) => row.temporal_id), actor });
    await insertEvents(client, [{ type: 'project', project: name, reason: 'deleted', actor }]);
  });
}

function toView(row: ProjectRow): ProjectView {
  return {
    name: row.name,
    timezone: row.timezone,
    state: row.state,
    version: row.current_version,
    createdAt: row.created_at.toISOString(),
    createdBy: row.created_by,
    updatedAt: row.updated_at.toISOString(),
    updatedBy: row.updated_by,
  };
}
