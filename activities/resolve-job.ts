import { CodedError } from '../graph/errors.ts';
import type { Graph, GraphJob } from '../graph/graph.ts';
import type { AnyJobKind } from '../jobs/define-job-kind.ts';
import { jobRunIdOf } from '../store/index.ts';
import type { Dependencies } from './dependencies.ts';

/** The argument of `runJob`: names only. The config is read by the worker, where it is kept by version. */
export interface RunJobInput {
  readonly projectId: string;
  readonly project: string;
  readonly version: number;
  readonly job: string;
  readonly kind: string;
  /** One of the two: the graph run that the job belongs to, or the run of the job alone. */
  readonly graphRunId?: string;
  readonly jobRunId?: string;
  /** An activity of it has ended before in this execution, with its worker. */
  readonly again?: boolean;
}

const jobsByKey = new WeakMap<Graph, ReadonlyMap<string, GraphJob>>();

export function jobRunIdFor(input: RunJobInput): string {
  if (input.jobRunId !== undefined) return input.jobRunId;
  if (input.graphRunId !== undefined) return jobRunIdOf(input.graphRunId, input.job);
  throw new Error(`run of job ${input.job} names neither its graph run nor its job run`);
}

/** @throws CodedError JOB_KIND_UNREGISTERED, final at once: another try on this worker would end the same. */
export function resolveKind({ kinds }: Pick<Dependencies, 'kinds'>, input: RunJobInput): AnyJobKind {
  const kind = kinds.get(input.kind);
  if (kind) return kind;
  const known = [...kinds.keys()].join(', ');
  const message = `Job "${input.job}" is of kind "${input.kind}", which this worker does not have (it has ${known}). Register the kind with the workers of this task queue.`;
  throw new CodedError('JOB_KIND_UNREGISTERED', message);
}

/** The job as its pinned version defines it. @throws CodedError GRAPH_UNKNOWN, JOB_UNKNOWN */
export async function resolveJob(
  { store }: Pick<Dependencies, 'store'>,
  input: RunJobInput,
): Promise<GraphJob> {
  const graph = await store.graphs.load(input.projectId, input.version);
  let jobs = jobsByKey.get(graph);
  if (!jobs) {
    jobs = new Map(graph.jobs.map((job) => [job.key, job]));
    jobsByKey.set(graph, jobs);
  }
  const job = jobs.get(input.job);
  if (job) return job;
  throw new CodedError(
    'JOB_UNKNOWN',
    `Version ${input.version} of "${input.project}" has no job "${input.job}".`,
  );
}
