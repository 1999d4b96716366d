import { z } from 'zod';
import {
  type GraphDefinition,
  type JobDefinition,
  jobDefinitionSchema,
  projectNameSchema,
  rulesOf,
  timezoneSchema,
} from './definition.ts';
import { sortTopologically } from './edges.ts';
import type { Problem } from './errors.ts';
import type { Graph, GraphJob } from './graph.ts';
import type { Kinds } from './kinds.ts';
import { limits } from './limits.ts';
import { jobKeyPattern } from './names.ts';
import { makePlan } from './plan.ts';
import { pointer, problemsOfZod } from './zod-problems.ts';

export type Validation =
  | { readonly ok: true; readonly graph: Graph; readonly definition: GraphDefinition }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** The outer shape alone, so that a slip in one job hides nothing that is wrong in the others. */
const outerSchema = z.strictObject({
  project: projectNameSchema,
  timezone: timezoneSchema.optional(),
  jobs: z.record(z.string(), z.unknown()),
});

interface ReadJob {
  readonly key: string;
  readonly job: JobDefinition;
  readonly config: Readonly<Record<string, unknown>>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** Checks a definition against the model and the kinds, and finds all its problems at once. Pure. */
export function validateGraph(input: unknown, kinds: Kinds): Validation {
  const outer = outerSchema.safeParse(input);
  const problems = outer.success ? [] : problemsOfZod(outer.error);
  const written = jobsOf(input);
  problems.push(...checkSize(input, written.length));
  if (problems.some((problem) => problem.code === 'LIMIT_EXCEEDED')) return { ok: false, problems };

  const read = written.map(([key, value]) => readJob(key, value, kinds, problems));
  const jobs = read.filter((job) => job !== undefined);
  const keys = new Set(written.map(([key]) => key));
  const parents = deriveParents(jobs, keys, problems);
  const { order, cycles } = sortTopologically(parents);
  problems.push(...cycles.map(cycleProblem));
  if (problems.length > 0 || !outer.success) return { ok: false, problems };

  const definition = { ...outer.data, jobs: Object.fromEntries(jobs.map(({ key, job }) => [key, job])) };
  const byKey = new Map(jobs.map((job) => [job.key, job]));
  const place = new Map(order.map((key, index) => [key, index]));
  const graph: Graph = {
    project: outer.data.project,
    timezone: outer.data.timezone ?? 'UTC',
    jobs: order.map((key) => resolveJob(byKey.get(key) as ReadJob, parents.get(key) ?? [], place)),
  };
  const planBytes = Buffer.byteLength(JSON.stringify(makePlan(graph, new Set(order))));
  if (planBytes > limits.planBytes) {
    return {
      ok: false,
      problems: [tooMany('/jobs', 'bytes of keys, edges and rules', planBytes, limits.planBytes)],
    };
  }
  return { ok: true, graph, definition };
}

function jobsOf(input: unknown): [string, unknown][] {
  const jobs = typeof input === 'object' && input !== null && 'jobs' in input ? input.jobs : undefined;
  return typeof jobs === 'object' && jobs !== null && !Array.isArray(jobs) ? Object.entries(jobs) : [];
}

function checkSize(input: unknown, jobCount: number): Problem[] {
  const isRecord = typeof input === 'object' && input !== null;
  if (jobCount === 0 && isRecord && 'jobs' in input) {
    return [{ code: 'SHAPE_INVALID', path: '/jobs', message: 'a graph needs at least one job' }];
  }
  const problems: Problem[] = [];
  if (jobCount > limits.jobsPerGraph) problems.push(tooMany('/jobs', 'jobs', jobCount, limits.jobsPerGraph));
  const bytes = Buffer.byteLength(JSON.stringify(input) ?? '');
  if (bytes > limits.definitionBytes)
    problems.push(tooMany('', 'bytes as JSON', bytes, limits.definitionBytes));
  return problems;
}

function readJob(key: string, value: unknown, kinds: Kinds, problems: Problem[]): ReadJob | undefined {
  const path = pointer(['jobs', key]);
  if (!jobKeyPattern.test(key)) {
    const message = `"${key.slice(0, 100)}" is not a job key: expected a lower-case letter, then up to 62 of a-z, 0-9 and _`;
    problems.push({ code: 'NAME_INVALID', path, message });
  }
  const parsed = jobDefinitionSchema.safeParse(value);
  if (!parsed.success) {
    problems.push(...problemsOfZod(parsed.error, path));
    return undefined;
  }
  const job = parsed.data;
  const kind = kinds.get(job.kind);
  if (!kind) {
    const message = `unknown kind "${job.kind}"; known kinds: ${[...kinds.keys()].join(', ')}`;
    problems.push({ code: 'JOB_KIND_UNKNOWN', path: `${path}/kind`, message });
    return { key, job, config: {}, inputs: [], outputs: [key] };
  }
  const config = kind.config.safeParse(job.config ?? {});
  if (!config.success) {
    problems.push(...problemsOfZod(config.error, `${path}/config`, 'JOB_CONFIG_INVALID'));
    return { key, job, config: {}, inputs: [], outputs: [key] };
  }
  const outputs = kind.outputs(config.data, key);
  return { key, job, config: config.data, inputs: kind.inputs(config.data), outputs };
}

/**
 * Written edges and those that follow from datasets. A job that could not be read is taken to write the dataset of its
 * own name, so that its readers are not reported for its fault.
 */
function deriveParents(
  jobs: readonly ReadJob[],
  keys: ReadonlySet<string>,
  problems: Problem[],
): Map<string, string[]> {
  const writers = findWriters(jobs, problems);
  const unread = new Set(keys);
  for (const { key } of jobs) unread.delete(key);
  const parents = new Map<string, string[]>();
  let edges = 0;
  for (const { key, job, inputs } of jobs) {
    const found = new Set<string>();
    (job.dependsOn ?? []).forEach((parent, index) => {
      if (keys.has(parent)) found.add(parent);
      else problems.push(unknownDependency(key, index, parent));
    });
    for (const dataset of inputs) {
      const writer = writers.get(dataset);
      if (writer !== undefined) found.add(writer);
      else if (!unread.has(dataset)) problems.push(unknownDataset(key, dataset));
    }
    if (found.size > limits.parentsPerJob) {
      problems.push(tooMany(pointer(['jobs', key]), 'parents', found.size, limits.parentsPerJob));
    }
    edges += found.size;
    parents.set(key, [...found]);
  }
  if (edges > limits.edgesPerGraph) problems.push(tooMany('/jobs', 'edges', edges, limits.edgesPerGraph));
  return parents;
}

function findWriters(jobs: readonly ReadJob[], problems: Problem[]): Map<string, string> {
  const writers = new Map<string, string>();
  for (const { key, outputs } of jobs) {
    for (const dataset of outputs) {
      const other = writers.get(dataset);
      if (other === undefined) writers.set(dataset, key);
      else {
        const message = `dataset "${dataset}" is written by "${other}" already; a dataset has one writer`;
        problems.push({ code: 'DATASET_TWO_WRITERS', path: pointer(['jobs', key]), message });
      }
    }
  }
  return writers;
}

function resolveJob(read: ReadJob, parents: readonly string[], place: ReadonlyMap<string, number>): GraphJob {
  const dependsOn = [...parents].sort((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0));
  return { key: read.key, config: read.config, dependsOn, outputs: read.outputs, rules: rulesOf(read.job) };
}

function unknownDependency(key: string, index: number, parent: string): Problem {
  const message = `"${parent}" is not a job of this graph`;
  return { code: 'DEPENDENCY_UNKNOWN', path: pointer(['jobs', key, 'dependsOn', index]), message };
}

function unknownDataset(key: string, dataset: string): Problem {
  const message = `reads dataset "${dataset}", which no job of this graph writes`;
  return { code: 'DATASET_UNKNOWN', path: pointer(['jobs', key, 'config']), message };
}

function cycleProblem(cycle: readonly string[]): Problem {
  const path = pointer(['jobs', cycle[0] ?? '']);
  return { code: 'GRAPH_CYCLE', path, message: `jobs wait for each other: ${cycle.join(' -> ')}` };
}

function tooMany(path: string, what: string, count: number, limit: number): Problem {
  return { code: 'LIMIT_EXCEEDED', path, message: `${count} ${what}; the limit is ${limit}` };
}
