import pg from 'pg';
import { noneAsked } from './asked-jobs.ts';
import type { OpenedGraphRun, OpenGraphRun } from './execution.ts';
import type { GraphCache } from './graph-cache.ts';
import { readKept } from './kept-jobs.ts';
import { planRun } from './new-runs.ts';

/** A request whose run the workflow id names. */
export interface OpenKnownRun extends OpenGraphRun {
  readonly known: NonNullable<OpenGraphRun['known']>;
}

/** Of a run that is opened. */
export interface PauseFacts {
  /** How many pauses and unpauses there were. */
  readonly pauses: number;
  readonly paused: boolean;
}

export const pauseFacts = 'r.pause_number AS pauses, r.paused_at IS NOT NULL AS paused';

export function knownPauseOf({ pauses, paused }: PauseFacts): Pick<OpenedRun, 'pause'> {
  return pauses > 0 ? { pause: { number: pauses, paused } } : {};
}

type OpenedRun = Extract<OpenedGraphRun, { outcome: 'opened' }>;

interface OpenedRow extends PauseFacts {
  readonly id: string;
  readonly projectId: string;
  readonly version: number;
  readonly select: readonly string[];
  readonly selective: boolean;
}

/** Of two executions that ask for one run at once the second finds it RUNNING. */
const sql = `
  WITH n AS (
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
      AS n (id, epoch, project, run_id, workflow_id, first_execution_run_id, actor)
  ), opened AS (
    UPDATE graph_run r SET state = 'RUNNING', error = NULL, started_at = coalesce(started_at, now()), updated_by = n.actor,
      first_execution_run_id = coalesce(r.first_execution_run_id, n.first_execution_run_id)
    FROM n
    WHERE r.id = n.id AND r.epoch = n.epoch AND r.project_name = n.project AND r.state = 'PENDING' AND r.reason IS NULL
      AND NOT EXISTS (SELECT FROM task t WHERE t.graph_run_id = r.id AND (t.closed_at IS NULL OR t.epoch = r.epoch))
    RETURNING r.id, r.project_id AS "projectId", r.version, r."select", r.selective, ${pauseFacts}, n.epoch, n.project,
      n.run_id, n.workflow_id, n.first_execution_run_id, n.actor
  ), tasks AS (
    INSERT INTO task (run_id, workflow_id, first_execution_run_id, graph_run_id, epoch, opened_by)
    SELECT run_id, workflow_id, first_execution_run_id, id, epoch, actor FROM opened
  ), counter AS (
    UPDATE event_counter SET last = last + (SELECT count(*) FROM opened) WHERE id = 1 RETURNING last
  ), numbered AS (
    INSERT INTO event (number, type, project, graph_run_id, state, epoch, actor)
    SELECT counter.last + 1 - row_number() OVER (ORDER BY id DESC), 'graph_run', project, id, 'RUNNING', epoch, actor
    FROM counter, opened
  )
  SELECT id, "projectId", version, "select", selective, pauses, paused FROM opened`;

/**
 * Takes runs that wait as they were made, in one statement. Answers in the order of the requests; undefined for those that
 * are otherwise, which `openGraphRun` looks into.
 */
export async function openKnownRuns(
  pool: pg.Pool,
  cache: GraphCache,
  requests: readonly OpenKnownRun[],
): Promise<(OpenedGraphRun | undefined)[]> {
  const found = await take(pool, requests);
  const opened = new Map(found.map((row) => [row.id, row]));
  return Promise.all(
    requests.map(async ({ known, project }): Promise<OpenedGraphRun | undefined> => {
      const row = opened.get(known.graphRunId);
      if (!row) return undefined;
      const { id: graphRunId, projectId, version, select, selective } = row;
      const graph = await cache.load(pool, projectId, version);
      const plan = planRun(graph, selective ? select : null);
      // Nothing has ended of a run that is new.
      const kept = known.epoch > 1 ? await readKept(pool, graphRunId, plan) : {};
      return {
        outcome: 'opened',
        graphRunId,
        projectId,
        project,
        version,
        plan,
        ...kept,
        ...noneAsked(plan),
        ...knownPauseOf(row),
      };
    }),
  );
}

async function take(pool: pg.Pool, requests: readonly OpenKnownRun[]): Promise<OpenedRow[]> {
  const found = pool.query<OpenedRow>({
    name: 'open-known-runs',
    text: sql,
    values: [
      requests.map(({ known }) => known.graphRunId),
      requests.map(({ known }) => known.epoch),
      requests.map(({ project }) => project),
      requests.map(({ identity }) => identity.runId),
      requests.map(({ identity }) => identity.workflowId),
      requests.map(({ identity }) => identity.firstExecutionRunId),
      requests.map(({ actor }) => actor),
    ],
  });
  try {
    return (await found).rows;
  } catch (error) {
    // The watch has claimed one of these executions meanwhile, which the statement could not see: one by one they can.
    if (error instanceof pg.DatabaseError && error.code === '23505') return [];
    throw error;
  }
}
