import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type pg from 'pg';
import type { GraphDefinition } from '../graph/definition.ts';
import { CodedError } from '../graph/errors.ts';
import type { Graph } from '../graph/graph.ts';
import type { GraphChange } from '../graph/resources.ts';
import { defaultMaxOpenRuns } from '../graph/rules.ts';
import type { Database } from './database.ts';
import { insertEvents } from './events.ts';
import type { GraphCache } from './graph-cache.ts';
import { newId } from './ids.ts';
import { cutPage, decodeNumber, encodeNumber } from './pages.ts';
import { holdPools } from './pools.ts';
import { checkPredecessors } from './predecessors.ts';
import { projectIdOf, unknownProject } from './projects.ts';
import { retimeSchedules } from './retime-schedules.ts';
import { letIn } from './run-line.ts';
import type { GraphPush, Graphs } from './store.ts';

interface VersionRow {
  readonly version: number;
  readonly hash: string;
  readonly definition: GraphDefinition;
  readonly graph: Graph;
}

export function createGraphs(database: Database, cache: GraphCache): Graphs {
  return {
    push: (push) => database.transaction((client) => pushGraph(client, push)),
    current: async (project) => {
      const row = await readCurrent(database.pool, await projectIdOf(database, project));
      if (!row) throw unknownGraph(project);
      return row;
    },
    versions: async (project, page) => {
      const projectId = await projectIdOf(database, project);
      const below = decodeNumber(page);
      const rows = await database.prisma.graphVersion.findMany({
        where: { projectId, ...(below !== null && { version: { lt: below } }) },
        select: { version: true, jobCount: true, hash: true, createdAt: true, createdBy: true },
        orderBy: { version: 'desc' },
        take: page.limit + 1,
      });
      return cutPage(
        rows,
        page.limit,
        ({ jobCount, createdAt, ...row }) => ({ ...row, jobs: jobCount, createdAt: createdAt.toISOString() }),
        (row) => encodeNumber(row.version),
      );
    },
    load: (projectId, version) => cache.load(database.pool, projectId, version),
  };
}

export function unknownGraph(project: string): CodedError {
  return new CodedError(
    'GRAPH_UNKNOWN',
    `Project "${project}" has no graph yet; push one with graphrun push.`,
  );
}

export async function readCurrent(
  client: pg.Pool | pg.ClientBase,
  projectId: string,
): Promise<VersionRow | undefined> {
  const found = await client.query<VersionRow>(
    `SELECT v.version, v.hash, v.definition, v.graph
     FROM project p JOIN graph_version v ON v.project_id = p.id AND v.version = p.current_version WHERE p.id = $1`,
    [projectId],
  );
  return found.rows[0];
}

async function pushGraph(client: pg.ClientBase, push: GraphPush) {
  const { graph, definition, actor } = push;
  if (graph.after !== undefined) await checkPredecessors(client, graph.project, graph.after);
  const locked = await client.query<{ id: string; timezone: string }>(
    'SELECT id, timezone FROM project WHERE name = $1 FOR UPDATE',
    [graph.project],
  );
  const [project] = locked.rows;
  if (project === undefined) throw unknownProject(graph.project);
  const projectId = project.id;
  await holdPools(client, graph);
  const current = await readCurrent(client, projectId);
  const text = JSON.stringify(definition);
  const hash = createHash('sha256').update(text).digest('hex');
  const change = compareGraphs(current?.graph, graph);
  const isNew = current?.hash !== hash;
  const version = isNew ? (await lastVersion(client, projectId)) + 1 : (current?.version ?? 1);
  if (push.dryRun || !isNew) return { version, isNew, change };

  await client.query(
    `INSERT INTO graph_version (project_id, version, definition, graph, hash, job_count, created_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [projectId, version, text, JSON.stringify(graph), hash, graph.jobs.length, actor],
  );
  await client.query(
    `UPDATE project SET current_version = $2, timezone = coalesce($3, timezone), max_open_runs = $5, after_project = $6,
       after_since = CASE WHEN after_project IS DISTINCT FROM $6 THEN now() ELSE after_since END,
       updated_at = now(), updated_by = $4
     WHERE id = $1`,
    [
      projectId,
      version,
      definition.timezone ?? null,
      actor,
      graph.maxOpenRuns ?? defaultMaxOpenRuns,
      graph.after ?? null,
    ],
  );
  await upsertJobs(client, projectId, graph);
  const letInNow = await letIn(client, projectId, actor);
  const isRetimed = definition.timezone !== undefined && definition.timezone !== project.timezone;
  const retimed = isRetimed
    ? await retimeSchedules(client, { id: projectId, name: graph.project }, actor)
    : [];
  await insertEvents(client, [
    { type: 'graph', project: graph.project, reason: `version ${version}`, actor },
    ...letInNow,
    ...retimed,
  ]);
  return { version, isNew, change };
}

async function lastVersion(client: pg.ClientBase, projectId: string): Promise<number> {
  const found = await client.query<{ last: number }>(
    'SELECT coalesce(max(version), 0) AS last FROM graph_version WHERE project_id = $1',
    [projectId],
  );
  return found.rows[0]?.last ?? 0;
}

async function upsertJobs(client: pg.ClientBase, projectId: string, graph: Graph): Promise<void> {
  const keys = graph.jobs.map((job) => job.key);
  await client.query(
    `INSERT INTO job (id, project_id, key, kind)
     SELECT j.id, $1, j.key, j.kind FROM unnest($2::uuid[], $3::text[], $4::text[]) AS j (id, key, kind)
     ON CONFLICT (project_id, key) DO UPDATE SET kind = excluded.kind, removed_at = NULL`,
    [projectId, keys.map(newId), keys, graph.jobs.map((job) => job.rules.kind)],
  );
  await client.query(
    'UPDATE job SET removed_at = now() WHERE project_id = $1 AND removed_at IS NULL AND NOT key = ANY ($2::text[])',
    [projectId, keys],
  );
}

/** By job key; a changed job is one whose config, rules or edges differ. */
function compareGraphs(before: Graph | undefined, after: Graph): GraphChange {
  const old = new Map((before?.jobs ?? []).map((job) => [job.key, job]));
  const next = new Map(after.jobs.map((job) => [job.key, job]));
  // Rows come back from JSON, so the new ones are compared in that form.
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
  return {
    added: [...next.keys()].filter((key) => !old.has(key)),
    removed: [...old.keys()].filter((key) => !next.has(key)),
    changed: [...next].flatMap(([key, job]) => {
      const was = old.get(key);
      return was && !isDeepStrictEqual(plain(was), plain(job)) ? [key] : [];
    }),
  };
}
