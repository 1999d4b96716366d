// What a job is given of its run. Read by the worker, and not handed on by the workflow: in the history it would be there
// once a job.
import { isMet, parseCondition } from '../graph/condition.ts';
import { CodedError } from '../graph/errors.ts';
import type { GraphJob, Params } from '../graph/graph.ts';
import { limits } from '../graph/limits.ts';
import {
  fillTemplates,
  findOwnTemplates,
  type PlacedTemplate,
  parseTemplate,
  type Reference,
  type RunValues,
  readValue,
  referencesOf,
  TemplateError,
} from '../graph/template.ts';
import { problemsOfZod } from '../graph/zod-problems.ts';
import type { AnyJobKind } from '../jobs/define-job-kind.ts';
import type { Dependencies } from './dependencies.ts';
import { jobRunIdFor, type RunJobInput } from './resolve-job.ts';
import { whileStoreIsAway } from './while-store-is-away.ts';

/** Asks for values of the run that a job belongs to. */
export interface JobValues {
  /** The run's parameters, with the defaults; not asked for where the graph has none. */
  readonly params: Params;
  /** By job, of those that have one. A job that is run alone has none above it. */
  outputsOf(jobs: readonly string[]): Promise<Readonly<Record<string, unknown>>>;
  /** The time of the schedule that the run is of; of a run of none, when it was created. */
  scheduledAt(): Promise<string>;
}

export async function readJobValues(
  { store }: Pick<Dependencies, 'store'>,
  input: RunJobInput,
  signal: AbortSignal,
): Promise<JobValues> {
  const { graphRunId } = input;
  const run = graphRunId !== undefined ? { graphRunId } : { jobRunId: jobRunIdFor(input) };
  const graph = await store.graphs.load(input.projectId, input.version);
  return {
    params: graph.params
      ? await whileStoreIsAway(() => store.values.paramsOf(run, input.version), signal)
      : {},
    outputsOf: async (jobs) => {
      if (graphRunId === undefined || jobs.length === 0) return {};
      return whileStoreIsAway(() => store.values.outputsOf(graphRunId, jobs), signal);
    },
    scheduledAt: () => whileStoreIsAway(() => store.values.scheduledAtOf(run), signal),
  };
}

/**
 * Whether the job is to run; a condition that is false has it skipped.
 * @throws CodedError CONDITION_FAILED, final at once
 */
export async function isConditionMet(job: GraphJob, values: JobValues): Promise<boolean> {
  const { when } = job;
  if (when === undefined) return true;
  const condition = parseCondition(when);
  const references = condition.ok ? condition.references : [];
  const jobs = references.filter(({ from }) => from === 'outputs').map(({ name }) => name);
  const outputs = await values.outputsOf([...new Set(jobs)]);
  try {
    return isMet(when, references, { params: values.params, outputs });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const message = `The condition of job "${job.key}" could not be told: ${why}`;
    throw new CodedError('CONDITION_FAILED', message, { cause: error });
  }
}

const templatesOf = new WeakMap<GraphJob, readonly PlacedTemplate[]>();

/** What `run` of a kind is given of the config. */
export interface FilledConfig {
  readonly config: Readonly<Record<string, unknown>>;
  /** What the kind's own templates ask for, by how it was written. */
  readonly values: ReadonlyMap<string, unknown>;
}

/**
 * The config of a job with its templates filled in, as its kind's schema takes it; and the values for those that the kind
 * fills in itself.
 * @throws CodedError JOB_CONFIG_INVALID, final at once
 */
export async function fillConfig(kind: AnyJobKind, job: GraphJob, values: JobValues): Promise<FilledConfig> {
  const templates = findTemplates(job);
  const own = findOwnTemplates(job.config, kind.ownTemplates);
  const read = await readRunValues(referencesOf([...templates, ...own]), values);
  try {
    const asked = own.flatMap((template) =>
      referencesOf([template]).map(
        (reference) => [reference.text, readValue(reference, read, template.path)] as const,
      ),
    );
    return { config: fill(kind, job, templates, read), values: new Map(asked) };
  } catch (error) {
    if (error instanceof TemplateError) throw invalidConfig(job, `config${error.path}: ${error.message}`);
    throw error;
  }
}

async function readRunValues(references: readonly Reference[], values: JobValues): Promise<RunValues> {
  const asked = references.filter(({ from }) => from === 'outputs');
  const outputs = await values.outputsOf([...new Set(asked.map(({ name }) => name))]);
  const asksOfRun = references.some(({ from }) => from === 'run');
  const run = asksOfRun ? { scheduledAt: await values.scheduledAt() } : {};
  return { params: values.params, outputs, run };
}

function fill(
  kind: AnyJobKind,
  job: GraphJob,
  templates: readonly PlacedTemplate[],
  values: RunValues,
): Readonly<Record<string, unknown>> {
  if (templates.length === 0) return job.config;
  const filled = fillTemplates(job.config, templates, values, limits.filledInChars);
  const parsed = kind.config.safeParse(filled);
  if (parsed.success) return parsed.data;
  const list = problemsOfZod(parsed.error).map(({ path, message }) => `config${path}: ${message}`);
  throw invalidConfig(job, list.join('; '));
}

function findTemplates(job: GraphJob): readonly PlacedTemplate[] {
  const known = templatesOf.get(job);
  if (known) return known;
  const templates = (job.templates ?? []).map((path) => {
    const text = path.reduce<unknown>(
      (value, step) => (value as Record<PropertyKey, unknown>)[step],
      job.config,
    );
    return { path, ...parseTemplate(String(text)) };
  });
  templatesOf.set(job, templates);
  return templates;
}

function invalidConfig(job: GraphJob, why: string): CodedError {
  const message = `The config of job "${job.key}" cannot be used with the values of this run: ${why}.`;
  return new CodedError('JOB_CONFIG_INVALID', message);
}
