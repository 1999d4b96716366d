import type { RunState } from '../../../graph/states.ts';
import type { FaultStack } from './fault-stack.ts';

export interface AttemptFacts {
  readonly number: number;
  readonly epoch: number;
  readonly state: RunState;
  readonly startedAt: number;
  readonly completedAt: number | null;
}

export interface JobFacts {
  readonly id: string;
  readonly project: string;
  readonly job: string;
  readonly kind: string;
  readonly graphRunId: string;
  /** Of the run that it belongs to. */
  readonly runCompletedAt: number | null;
  readonly state: RunState;
  readonly reason: string | null;
  readonly epoch: number;
  readonly attempts: number;
  readonly completedAt: number | null;
  readonly dependsOn: readonly string[];
  /** In order of number. */
  readonly attemptRows: readonly AttemptFacts[];
}

/** The rows of a test's runs, each job with its attempts and its parents in the version that it is pinned to. */
export async function readRunFacts(stack: FaultStack): Promise<JobFacts[]> {
  return stack.sql<JobFacts & Record<string, unknown>>(
    `SELECT r.id, g.project_name AS project, j.key AS job, r.kind, r.graph_run_id AS "graphRunId",
       ${ms('g.completed_at')} AS "runCompletedAt", r.state, r.reason, r.epoch, r.attempts,
       ${ms('r.completed_at')} AS "completedAt",
       (SELECT job -> 'dependsOn' FROM graph_version v, jsonb_array_elements(v.graph -> 'jobs') job
        WHERE v.project_id = r.project_id AND v.version = r.version AND job ->> 'key' = j.key) AS "dependsOn",
       coalesce((SELECT jsonb_agg(jsonb_build_object('number', a.number, 'epoch', a.epoch, 'state', a.state,
                   'startedAt', ${ms('a.started_at')}, 'completedAt', ${ms('a.completed_at')}) ORDER BY a.number)
                 FROM attempt a WHERE a.job_run_id = r.id), '[]') AS "attemptRows"
     FROM job_run r JOIN job j ON j.id = r.job_id JOIN graph_run g ON g.id = r.graph_run_id
     WHERE g.id = ANY ($1)`,
    [stack.runs],
  );
}

function ms(column: string): string {
  return `(extract(epoch FROM ${column}) * 1000)::float8`;
}
