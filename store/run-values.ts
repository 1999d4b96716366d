// What jobs are given of their run: its parameters, and the outputs of other jobs.
import { LRUCache } from 'lru-cache';
import type { Params } from '../graph/graph.ts';
import type { Database } from './database.ts';
import { jobRunIdOf } from './ids.ts';

/** One of the two: a graph run, or the run of a job alone. */
export type RunName = { readonly graphRunId: string } | { readonly jobRunId: string };

export interface RunValues {
  /** With the defaults. They never change but by a resume on another version of the graph. */
  paramsOf(run: RunName, version: number): Promise<Params>;
  /** The time of the schedule that it is of; of a run of none, when it was created. */
  scheduledAtOf(run: RunName): Promise<string>;
  /** By job, of those that have one. */
  outputsOf(graphRunId: string, jobs: readonly string[]): Promise<Readonly<Record<string, unknown>>>;
}

/** In characters of JSON, over all runs that a process has read. */
const cachedCharsMax = 4 * 1024 * 1024;

export function createRunValues(database: Database): RunValues {
  const params = new LRUCache<string, Params>({
    maxSize: cachedCharsMax,
    sizeCalculation: (value) => JSON.stringify(value).length,
  });
  return {
    paramsOf: async (run, version) => {
      const isGraphRun = 'graphRunId' in run;
      const id = isGraphRun ? run.graphRunId : run.jobRunId;
      const key = `${id}/${version}`;
      const known = params.get(key);
      if (known) return known;
      const found = await database.pool.query<{ params: Params | null }>(
        `SELECT params FROM ${isGraphRun ? 'graph_run' : 'job_run'} WHERE id = $1`,
        [id],
      );
      const read = found.rows[0]?.params ?? {};
      params.set(key, read);
      return read;
    },
    scheduledAtOf: async (run) => {
      const [sql, id] =
        'graphRunId' in run
          ? ['SELECT coalesce(scheduled_at, created_at) AS at FROM graph_run WHERE id = $1', run.graphRunId]
          : ['SELECT created_at AS at FROM job_run WHERE id = $1', run.jobRunId];
      const found = await database.pool.query<{ at: Date }>(sql, [id]);
      const [row] = found.rows;
      if (!row) throw new Error(`run ${id} is not there any more`);
      return row.at.toISOString();
    },
    outputsOf: async (graphRunId, jobs) => {
      const found = await database.pool.query<{ job: string; output: string }>(
        `SELECT n.job, r.output FROM unnest($1::uuid[], $2::text[]) AS n (id, job) JOIN job_run r ON r.id = n.id
         WHERE r.state = 'SUCCESS' AND r.output IS NOT NULL`,
        [jobs.map((job) => jobRunIdOf(graphRunId, job)), jobs],
      );
      return Object.fromEntries(found.rows.map(({ job, output }) => [job, JSON.parse(output) as unknown]));
    },
  };
}
