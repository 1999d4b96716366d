import type { JobView } from '../graph/resources.ts';
import type { Database } from './database.ts';
import { readCurrent } from './graphs.ts';
import { unknownJob } from './new-runs.ts';
import { projectIdOf } from './projects.ts';
import type { Jobs } from './store.ts';

interface LatestRow {
  readonly key: string;
  readonly id: string;
  readonly state: JobView['state'];
  readonly reason: JobView['reason'];
  readonly created_at: Date;
}

export function createJobs(database: Database): Jobs {
  const list = async (project: string): Promise<JobView[]> => {
    const projectId = await projectIdOf(database, project);
    const [current, latest] = await Promise.all([
      readCurrent(database.pool, projectId),
      // One index scan a job: the latest run by creation is the state, however many there are.
      database.pool.query<LatestRow>(
        `SELECT j.key, latest.* FROM job j
         CROSS JOIN LATERAL (
           SELECT r.id, r.state, r.reason, r.created_at FROM job_run r
           WHERE r.job_id = j.id ORDER BY r.created_at DESC, r.id DESC LIMIT 1
         ) latest
         WHERE j.project_id = $1 AND j.removed_at IS NULL`,
        [projectId],
      ),
    ]);
    const byKey = new Map(latest.rows.map((row) => [row.key, row]));
    return (current?.graph.jobs ?? []).map((job): JobView => {
      const last = byKey.get(job.key);
      return {
        key: job.key,
        kind: job.rules.kind,
        dependsOn: [...job.dependsOn],
        outputs: [...job.outputs],
        state: last?.state ?? null,
        reason: last?.reason ?? null,
        lastRunId: last?.id ?? null,
        lastRunAt: last?.created_at.toISOString() ?? null,
      };
    });
  };
  return {
    list,
    get: async (project, key) => {
      const job = (await list(project)).find((candidate) => candidate.key === key);
      if (!job) throw unknownJob(project, key);
      return job;
    },
  };
}
