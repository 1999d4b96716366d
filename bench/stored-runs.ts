// A store full of runs, written as it stands after they have ended, in place of running them. In steps: in each, all
// projects have one more run.
import type pg from 'pg';
import type { Client } from '../client/index.ts';
import type { Note } from './benchmark.ts';
import { pushGraph } from './push-graph.ts';
import { chain, layersShape } from './shapes.ts';

/** One project of 1,000 jobs, whose list is measured, among many small ones. */
export const storedProjects = {
  large: 'large',
  largeJobs: layersShape.parents,
  small: 100,
  smallJobs: chain(10),
} as const;

/** Of all projects together. */
export const jobRunsPerStep =
  storedProjects.largeJobs.length + storedProjects.small * storedProjects.smallJobs.length;

const stepMinutes = 10;
const stepsAtOnce = 50;

/** How many steps make at least so many JobRuns. */
export function stepsFor(jobRuns: number): number {
  return Math.ceil(jobRuns / jobRunsPerStep);
}

/** The API makes the projects; their runs are inserted. */
export async function storeRuns(
  { api, sql }: { readonly api: Client; readonly sql: pg.Client },
  steps: number,
  note: Note,
): Promise<void> {
  const { large, largeJobs, small, smallJobs } = storedProjects;
  await pushGraph(api, large, largeJobs);
  for (let index = 0; index < small; index += 1) await pushGraph(api, `small-${index}`, smallJobs);
  for (let from = 1; from <= steps; from += stepsAtOnce) {
    const until = Math.min(from + stepsAtOnce - 1, steps);
    await sql.query(insertGraphRuns, [
      from,
      until,
      `${steps * stepMinutes} minutes`,
      `${stepMinutes} minutes`,
    ]);
    await sql.query(insertJobRuns);
    await sql.query(insertAttempts);
    await sql.query(insertTasks);
    note(`${(until * jobRunsPerStep).toLocaleString('en')} job runs are stored`);
  }
  // What autovacuum does before long.
  await sql.query('VACUUM (ANALYZE)');
}

/** Every twentieth has failed. Their ids are in order of time, as those of all runs. */
const insertGraphRuns = `
  INSERT INTO graph_run (id, project_id, project_name, version, state, reason, origin, workflow_id,
                         first_execution_run_id, created_at, created_by, updated_by, started_at, completed_at)
  SELECT id, project_id, name, version, (CASE WHEN failed THEN 'FAILED' ELSE 'SUCCESS' END)::run_state,
         CASE WHEN failed THEN 'job_failed' END, 'api', 'graph-run/' || id || '/1', gen_random_uuid(), at, 'bench',
         'graph-run/' || id || '/1', at + '20 ms'::interval, at + '1 minute'::interval
  FROM (SELECT p.id AS project_id, p.name, p.current_version AS version, (step + length(p.name)) % 20 = 0 AS failed,
               uuidv7(since) AS id, now() + since AS at
        FROM generate_series($1::int, $2::int) step CROSS JOIN project p
        CROSS JOIN LATERAL (SELECT step * $4::interval - $3::interval - random() * '9 minutes'::interval) t (since)) run
  ORDER BY at`;

/** Of the graph runs that have none yet. Ids as jobRunIdOf makes them: the graph run's time in front. */
const insertJobRuns = `
  INSERT INTO job_run (id, project_id, job_id, kind, graph_run_id, version, place, state, reason, error, output,
                       output_hash, output_bytes, attempts, fence_run_id, fence_scheduled_at, origin, created_at,
                       created_by, updated_by, started_at, completed_at)
  SELECT overlay(gen_random_uuid()::text PLACING left(r.id::text, 13) FROM 1)::uuid, r.project_id, j.id, j.kind, r.id,
         r.version, place, (CASE WHEN failed THEN 'FAILED' ELSE 'SUCCESS' END)::run_state,
         CASE WHEN failed THEN 'error' END,
         CASE WHEN failed THEN '{"type":"Error","message":"It went wrong."}'::jsonb END,
         CASE WHEN NOT failed THEN '{"rows":1000}' END, CASE WHEN NOT failed THEN md5(place::text) END,
         CASE WHEN NOT failed THEN 13 END, 1, r.first_execution_run_id, at, 'api', r.created_at, 'bench',
         r.workflow_id, at + '10 ms'::interval, at + '1 second'::interval
  FROM graph_run r JOIN job j ON j.project_id = r.project_id
  CROSS JOIN LATERAL (SELECT substr(j.key, 5)::int) p (place)
  CROSS JOIN LATERAL (SELECT r.created_at + place * '50 ms'::interval, r.state = 'FAILED' AND place % 10 = 9) t (at, failed)
  WHERE NOT EXISTS (SELECT FROM task WHERE graph_run_id = r.id)
  ORDER BY r.created_at, r.id, place`;

const insertAttempts = `
  INSERT INTO attempt (job_run_id, number, epoch, run_id, scheduled_at, state, reason, error, worker, started_at,
                       completed_at)
  SELECT r.id, 1, 1, r.fence_run_id, r.fence_scheduled_at, r.state, r.reason, r.error, '4711@bench', r.started_at,
         r.completed_at
  FROM job_run r WHERE NOT EXISTS (SELECT FROM task WHERE graph_run_id = r.graph_run_id)
  ORDER BY r.started_at`;

const insertTasks = `
  INSERT INTO task (run_id, workflow_id, first_execution_run_id, graph_run_id, epoch, opened_at, opened_by, closed_at,
                    closed_by)
  SELECT r.first_execution_run_id, r.workflow_id, r.first_execution_run_id, r.id, 1, r.started_at, r.workflow_id,
         r.completed_at, r.workflow_id
  FROM graph_run r WHERE NOT EXISTS (SELECT FROM task WHERE graph_run_id = r.id)`;
