import { z } from 'zod';
import { checkAfter } from './after.ts';
import { findPoolProblems, type KnownPools, largestAsks } from './check-pools.ts';
import { parseCondition } from './condition.ts';
import {
  durationSchema,
  type GraphDefinition,
  type JobDefinition,
  jobDefinitionSchema,
  maxOpenRunsSchema,
  milliseconds,
  onFailureSchema,
  paramSchemasSchema,
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
import { checkParamSchemas } from './params.ts';
import { isRecord, jobsOf, paramsOf, parseFields, parsePart } from './parse-part.ts';
import { makePlan } from './plan.ts';
import { ProblemList } from './problem-list.ts';
import { type ReadConfig, readConfig } from './read-config.ts';
import { defaultMaxOpenRuns } from './rules.ts';
import { type Reference, referencesOf } from './template.ts';
import { pointer } from './zod-problems.ts';

export type Validation =
  | { readonly ok: true; readonly graph: Graph; readonly definition: GraphDefinition }
  /** `unlisted`: how many more problems there are than those that are told. */
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly unlisted: number };

/** The outer shape alone, so that a slip in one job hides nothing that is wrong in the others. */
const outerSchema = z.strictObject({
  project: projectNameSchema,
  timezone: timezoneSchema.optional(),
  params: paramSchemasSchema.optional(),
  onFailure: onFailureSchema.optional(),
  timeout: durationSchema.optional(),
  maxOpenRuns: maxOpenRunsSchema.optional(),
  after: projectNameSchema.optional(),
  jobs: z.record(z.string(), z.unknown()),
});

interface ReadJob extends ReadConfig {
  readonly key: string;
  readonly job: JobDefinition;
  /** By its condition. */
  readonly asked: readonly Reference[];
}

/**
 * Checks a definition against the model, the kinds and the pools, and finds all its problems at once. Pure.
 * @param pools undefined where they are not known: what is stored is held to them again
 */
export function validateGraph(input: unknown, kinds: Kinds, pools?: KnownPools): Validation {
  const problems = new ProblemList();
  const outer = parsePart(outerSchema, input, problems);
  const written = jobsOf(input);
  if (!checkSize(input, written.length, problems)) return refuse(problems);

  const params = paramsOf(input);
  checkParamSchemas(params, problems);
  if (outer) checkAfter(outer, params, problems);
  const read = written.map(([key, value]) => readJob(key, value, kinds, problems));
  const jobs = read.filter((job) => job !== undefined);
  const keys = new Set(written.map(([key]) => key));
  for (const job of jobs) checkParams(job, params, problems);
  for (const { key, job } of pools ? jobs : [])
    for (const problem of findPoolProblems(key, job.pools ?? {}, pools ?? new Map()))
      problems.add(() => problem);
  const parents = deriveParents(jobs, keys, problems);
  const { order, cycles } = sortTopologically(parents);
  for (const cycle of cycles) problems.add(() => cycleProblem(cycle));
  if (problems.count > 0 || outer === undefined) return refuse(problems);

  const definition = { ...outer, jobs: Object.fromEntries(jobs.map(({ key, job }) => [key, job])) };
  const byKey = new Map(jobs.map((job) => [job.key, job]));
  const place = new Map(order.map((key, index) => [key, index]));
  const { onFailure = 'continue', maxOpenRuns = defaultMaxOpenRuns } = outer;
  const timeoutMs = milliseconds(outer.timeout);
  const resolved = order.map((key) => resolveJob(byKey.get(key) as ReadJob, parents.get(key) ?? [], place));
  const asks = largestAsks(resolved);
  const graph: Graph = {
    project: outer.project,
    timezone: outer.timezone ?? 'UTC',
    ...(outer.params && { params: outer.params }),
    ...(onFailure !== 'continue' && { onFailure }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(maxOpenRuns !== defaultMaxOpenRuns && { maxOpenRuns }),
    ...(outer.after !== undefined && { after: outer.after }),
    ...(asks && { pools: asks }),
    jobs: resolved,
  };
  const planBytes = Buffer.byteLength(JSON.stringify(makePlan(graph, new Set(order))));
  if (planBytes <= limits.planBytes) return { ok: true, graph, definition };
  problems.add(() => tooMany('/jobs', 'bytes of keys, edges and rules', planBytes, limits.planBytes));
  return refuse(problems);
}

function refuse({ shown, unlisted }: ProblemList): Validation {
  return { ok: false, problems: shown, unlisted };
}

/** False where the rest is not to be looked at: it may be too much. */
function checkSize(input: unknown, jobCount: number, problems: ProblemList): boolean {
  const isRecord = typeof input === 'object' && input !== null;
  if (jobCount === 0 && isRecord && 'jobs' in input) {
    problems.add(() => ({
      code: 'SHAPE_INVALID',
      path: '/jobs',
      message: 'a graph needs at least one job',
    }));
    return true;
  }
  const before = problems.count;
  const bytes = Buffer.byteLength(JSON.stringify(input) ?? '');
  if (jobCount > limits.jobsPerGraph)
    problems.add(() => tooMany('/jobs', 'jobs', jobCount, limits.jobsPerGraph));
  if (bytes > limits.definitionBytes)
    problems.add(() => tooMany('', 'bytes as JSON', bytes, limits.definitionBytes));
  return problems.count === before;
}

function readJob(key: string, value: unknown, kinds: Kinds, problems: ProblemList): ReadJob | undefined {
  const path = pointer(['jobs', key]);
  if (!jobKeyPattern.test(key)) {
    const message = `"${key.slice(0, 100)}" is not a job key: expected a lower-case letter, then up to 62 of a-z, 0-9 and _`;
    problems.add(() => ({ code: 'NAME_INVALID', path, message }));
  }
  if (!isRecord(value)) {
    parsePart(jobDefinitionSchema, value, problems, { base: path });
    return undefined;
  }
  const shape = withinLimit(value, path, problems);
  const job =
    parsePart(jobDefinitionSchema, shape, problems, { base: path }) ??
    parseFields(jobDefinitionSchema, shape);
  const kind = typeof value.kind === 'string' ? kinds.get(value.kind) : undefined;
  if (typeof value.kind === 'string' && !kind) {
    const message = `unknown kind "${value.kind.slice(0, 100)}"; known kinds: ${[...kinds.keys()].join(', ')}`;
    problems.add(() => ({ code: 'JOB_KIND_UNKNOWN', path: `${path}/kind`, message }));
  }
  // Also where another field of the job is wrong, which must not hide what is wrong in here.
  const written = value.config ?? {};
  const read = kind && isRecord(written) ? readConfig(kind, key, written, problems) : undefined;
  if (job === undefined) return undefined;
  const asked = job.when === undefined ? [] : readCondition(key, job.when, problems);
  const nothing = { config: {}, templates: [], ownTemplates: [], inputs: [], files: [], outputs: [key] };
  return { key, job, asked, ...(read ?? nothing) };
}

/** Without a `dependsOn` that is too long: each of its elements would be looked at, and be a problem of its own. */
function withinLimit(job: Readonly<Record<string, unknown>>, path: string, problems: ProblemList) {
  const { dependsOn, ...rest } = job;
  if (!Array.isArray(dependsOn) || dependsOn.length <= limits.parentsPerJob) return job;
  problems.add(() => tooMany(`${path}/dependsOn`, 'parents', dependsOn.length, limits.parentsPerJob));
  return rest;
}

/**
 * Written edges and those that follow from datasets. A job that could not be read is taken to write the dataset of its
 * own name, so that its readers are not reported for its fault.
 */
function deriveParents(
  jobs: readonly ReadJob[],
  keys: ReadonlySet<string>,
  problems: ProblemList,
): Map<string, string[]> {
  const writers = findWriters(jobs, problems);
  const unread = new Set(keys);
  for (const { key } of jobs) unread.delete(key);
  const parents = new Map<string, string[]>();
  let edges = 0;
  for (const read of jobs) {
    const { key, job, inputs } = read;
    const found = new Set<string>();
    (job.dependsOn ?? []).forEach((parent, index) => {
      if (keys.has(parent)) found.add(parent);
      else problems.add(() => unknownDependency(key, index, parent));
    });
    for (const { name, path } of referencesIn(read)) {
      if (name.from !== 'outputs') continue;
      if (keys.has(name.name)) found.add(name.name);
      else problems.add(() => unknownJob(name, path));
    }
    for (const dataset of inputs) {
      const writer = writers.get(dataset);
      if (writer !== undefined) found.add(writer);
      else if (!unread.has(dataset)) problems.add(() => unknownDataset(key, dataset));
    }
    if (found.size > limits.parentsPerJob) {
      problems.add(() => tooMany(pointer(['jobs', key]), 'parents', found.size, limits.parentsPerJob));
    }
    edges += found.size;
    parents.set(key, [...found]);
  }
  if (edges > limits.edgesPerGraph)
    problems.add(() => tooMany('/jobs', 'edges', edges, limits.edgesPerGraph));
  return parents;
}

/** What a job asks of its run, each with its place. */
function referencesIn({
  key,
  asked,
  templates,
  ownTemplates,
}: ReadJob): { readonly name: Reference; readonly path: string }[] {
  const path = pointer(['jobs', key, 'when']);
  const inTemplates = [...templates, ...ownTemplates].flatMap((template) => {
    const path = pointer(['jobs', key, 'config', ...template.path]);
    return referencesOf([template]).map((name) => ({ name, path }));
  });
  return [...asked.map((name) => ({ name, path })), ...inTemplates];
}

function readCondition(key: string, when: string, problems: ProblemList): readonly Reference[] {
  const condition = parseCondition(when);
  if (condition.ok) return condition.references;
  const path = pointer(['jobs', key, 'when']);
  problems.add(() => ({ code: 'CONDITION_INVALID', path, message: condition.message }));
  return [];
}

function checkParams(job: ReadJob, declared: object, problems: ProblemList): void {
  for (const { name, path } of referencesIn(job)) {
    if (name.from !== 'params' || Object.hasOwn(declared, name.name)) continue;
    const message = `${name.text}: the graph declares no parameter "${name.name}"`;
    problems.add(() => ({ code: 'PARAM_UNKNOWN', path, message }));
  }
}

function unknownJob({ text, name }: Reference, path: string): Problem {
  return { code: 'DEPENDENCY_UNKNOWN', path, message: `${text}: "${name}" is not a job of this graph` };
}

function findWriters(jobs: readonly ReadJob[], problems: ProblemList): Map<string, string> {
  const writers = new Map<string, string>();
  for (const { key, outputs } of jobs) {
    for (const dataset of outputs) {
      const other = writers.get(dataset);
      if (other === undefined) writers.set(dataset, key);
      else {
        const message = `dataset "${dataset}" is written by "${other}" already; a dataset has one writer`;
        problems.add(() => ({ code: 'DATASET_TWO_WRITERS', path: pointer(['jobs', key]), message }));
      }
    }
  }
  return writers;
}

function resolveJob(read: ReadJob, parents: readonly string[], place: ReadonlyMap<string, number>): GraphJob {
  const dependsOn = [...parents].sort((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0));
  const { key, config, inputs, files, outputs, job } = read;
  const templates = read.templates.map(({ path }) =>
    path.map((step) => (typeof step === 'number' ? step : String(step))),
  );
  const given = {
    ...(job.when !== undefined && { when: job.when }),
    ...(templates.length > 0 && { templates }),
  };
  return { key, config, ...given, dependsOn, inputs, files, outputs, rules: rulesOf(job) };
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
