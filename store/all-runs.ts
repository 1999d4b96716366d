// Graph runs and jobs that were run alone, as one list.
import type { Page } from '../graph/resources.ts';
import type { Database } from './database.ts';
import { cutPage, decodeCursor, encodeCursor } from './pages.ts';
import { projectIdOf } from './projects.ts';
import { readGraphRunFacts, readJobRunFacts } from './run-facts.ts';
import { jobRunReason } from './run-views.ts';
import type { Graphs, PageRequest, RunFacts, RunListFilter, StoredRun } from './store.ts';

export interface Runs {
  /** Graph runs and jobs that were run alone, newest first. @throws CodedError PROJECT_UNKNOWN */
  list(filter: RunListFilter, page: PageRequest): Promise<Page<StoredRun>>;
  /** @throws CodedError PROJECT_UNKNOWN */
  count(filter: RunListFilter): Promise<number>;
  /** @throws CodedError GRAPH_RUN_UNKNOWN */
  factsOfGraphRun(id: string): Promise<RunFacts>;
  /** Of a job that was run alone. @throws CodedError JOB_RUN_UNKNOWN */
  factsOfJobRun(id: string): Promise<RunFacts>;
}

interface Row extends Omit<StoredRun, 'createdAt' | 'cursor'> {
  readonly createdAt: Date;
}

/** Each part is cut before the two are merged: a page costs as much as two short walks along an index. */
const pageSql = `
  SELECT * FROM (
    (SELECT 'graph_run' AS type, r.id, r.project_name AS project, NULL AS job, r.state,
       coalesce(r.reason, CASE WHEN r.state = 'RUNNING' AND r.paused_at IS NOT NULL THEN 'paused' END) AS reason,
       r.created_at AS "createdAt"
     FROM graph_run r
     WHERE ($2::uuid IS NULL OR r.project_id = $2) AND ($3::timestamptz IS NULL OR r.created_at >= $3)
       AND ($4::timestamptz IS NULL OR (r.created_at, r.id) < ($4::timestamptz, $5::uuid))
     ORDER BY r.created_at DESC, r.id DESC LIMIT $1)
    UNION ALL
    (SELECT 'job_run', r.id, p.name, j.key, r.state, ${jobRunReason}, r.created_at
     FROM job_run r JOIN job j ON j.id = r.job_id JOIN project p ON p.id = r.project_id
     WHERE r.graph_run_id IS NULL
       AND ($2::uuid IS NULL OR r.project_id = $2) AND ($3::timestamptz IS NULL OR r.created_at >= $3)
       AND ($4::timestamptz IS NULL OR (r.created_at, r.id) < ($4::timestamptz, $5::uuid))
     ORDER BY r.created_at DESC, r.id DESC LIMIT $1)
  ) runs ORDER BY "createdAt" DESC, id DESC LIMIT $1`;

const countSql = `
  SELECT (SELECT count(*) FROM graph_run r
          WHERE ($1::uuid IS NULL OR r.project_id = $1) AND ($2::timestamptz IS NULL OR r.created_at >= $2))
       + (SELECT count(*) FROM job_run r
          WHERE r.graph_run_id IS NULL
            AND ($1::uuid IS NULL OR r.project_id = $1) AND ($2::timestamptz IS NULL OR r.created_at >= $2)) AS count`;

export function createRuns(database: Database, graphs: Graphs): Runs {
  return {
    list: (filter, page) => listRuns(database, filter, page),
    count: async (filter) => {
      const found = await database.pool.query<{ count: string }>(countSql, await valuesOf(database, filter));
      return Number(found.rows[0]?.count ?? 0);
    },
    factsOfGraphRun: (id) => readGraphRunFacts(database, graphs, id),
    factsOfJobRun: (id) => readJobRunFacts(database, id),
  };
}

async function listRuns(database: Database, filter: RunListFilter, page: PageRequest) {
  const cursor = decodeCursor(page);
  const found = await database.pool.query<Row>(pageSql, [
    page.limit + 1,
    ...(await valuesOf(database, filter)),
    cursor?.createdAt ?? null,
    cursor?.id ?? null,
  ]);
  const cursorOf = (row: Row) => encodeCursor({ createdAt: row.createdAt, id: row.id });
  const toRun = (row: Row): StoredRun => ({
    ...row,
    reason: row.reason ?? (row.state === 'PENDING' ? 'queued' : null),
    createdAt: row.createdAt.toISOString(),
    cursor: cursorOf(row),
  });
  return cutPage(found.rows, page.limit, toRun, cursorOf);
}

async function valuesOf(database: Database, { project, since }: RunListFilter) {
  return [project === undefined ? null : await projectIdOf(database, project), since ?? null];
}
