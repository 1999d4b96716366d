import type { JobView } from '../graph/resources.ts';
import type { Database } from './database.ts';
import { unknownJob } from './new-runs.ts';
import { unknownProject } from './projects.ts';
import { jobRunReason } from './run-views.ts';
import type { Jobs } from './store.ts';

interface JobRow {
  readonly kind: string;
  readonly depends_on: string[];
  readonly outputs: string[];
  readonly id: string | null;
  readonly state: JobView['state'];
  readonly reason: JobView['reason'];
  readonly created_at: Date | null;
}

/** The left joins give one row without a job for a project that has no such job, or no graph at all. */
type FoundRow = (JobRow & { readonly key: string }) | { readonly key: null };

/**
 * A job's state is that of its latest run by creation: read with it, never stored. One statement, and of the graph only
 * what is shown. One index scan a job, however many runs it has; state is not in that index, since each of its changes
 * would have to be written to all indexes of the table then.
 */
const selectJobs = `
  SELECT g.job ->> 'key' AS key, g.job #>> '{rules,kind}' AS kind, g.job -> 'dependsOn' AS depends_on, g.job -> 'outputs' AS outputs,
         latest.id, latest.state, latest.reason, latest.created_at
  FROM project p
  LEFT JOIN graph_version v ON v.project_id = p.id AND v.version = p.current_version
  LEFT JOIN LATERAL jsonb_array_elements(v.graph -> 'jobs') WITH ORDINALITY AS g (job, place)
    ON $2::text IS NULL OR g.job ->> 'key' = $2
  LEFT JOIN job j ON j.project_id = p.id AND j.key = g.job ->> 'key'
  LEFT JOIN LATERAL (
    SELECT r.id, r.state, ${jobRunReason} AS reason, r.created_at FROM job_run r
    WHERE r.job_id = j.id ORDER BY r.created_at DESC, r.id DESC LIMIT 1
  ) latest ON true
  WHERE p.name = $1 ORDER BY g.place`;

export function createJobs(database: Database): Jobs {
  const read = async (project: string, key: string | null): Promise<JobView[]> => {
    const found = await database.pool.query<FoundRow>(selectJobs, [project, key]);
    if (found.rows.length === 0) throw unknownProject(project);
    return found.rows.flatMap((row) => (row.key === null ? [] : [toView(row)]));
  };
  return {
    list: (project) => read(project, null),
    get: async (project, key) => {
      const [job] = await read(project, key);
      if (!job) throw unknownJob(project, key);
      return job;
    },
  };
}

function toView(row: JobRow & { readonly key: string }): JobView {
  return {
    key: row.key,
    kind: row.kind,
    dependsOn: row.depends_on,
    outputs: row.outputs,
    state: row.state,
    reason: row.reason,
    lastRunId: row.id,
    lastRunAt: row.created_at?.toISOString() ?? null,
  };
}
