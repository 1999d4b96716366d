// Which jobs of a run that has ended run again when it is resumed, and why. Pure.
import { isDeepStrictEqual } from 'node:util';
import type { Graph, GraphJob } from './graph.ts';
import { type KeptJobs, makePlan, type Plan } from './plan.ts';
import { isFinal, type RunState } from './states.ts';

/** Why a job runs again. `chosen`, `added` and `failed` stand by themselves; the others name what they follow from. */
export const rerunReasons = [
  'failed',
  'unreached',
  'chosen',
  'added',
  'definition_changed',
  'input_changed',
  'downstream',
] as const;
/** Why it does not. */
export const keepReasons = ['succeeded', 'marked', 'not_chosen'] as const;
/** The latest graph does not have it any more. */
export const dropReasons = ['removed'] as const;

export type ResumeAction = 'rerun' | 'keep' | 'drop';
export type ResumeReason =
  | (typeof rerunReasons)[number]
  | (typeof keepReasons)[number]
  | (typeof dropReasons)[number];

export interface PlannedReason {
  readonly reason: ResumeReason;
  /** Jobs above it that run again; datasets and files that were replaced. */
  readonly because: readonly string[];
}

export interface PlannedJob {
  readonly job: string;
  readonly action: ResumeAction;
  readonly reasons: readonly PlannedReason[];
}

/** What is stored of a job of the run. */
export interface EndedJobRun {
  readonly state: RunState;
  readonly reason: string | null;
  readonly attempts: number;
  /** Somebody says that it was done by hand. */
  readonly isMarked: boolean;
  /** As the version defines it that it ran by. */
  readonly definition: GraphJob | undefined;
}

export interface ResumeFacts {
  /** By which it goes on. */
  readonly graph: Graph;
  /** Jobs of the run in that graph. */
  readonly selected: ReadonlySet<string>;
  /** By key. */
  readonly ended: ReadonlyMap<string, EndedJobRun>;
  /** Only these run again, with all downstream; null: whatever failed or was not reached. */
  readonly from: ReadonlySet<string> | null;
  /** Datasets and files that a job reads and that were replaced since it began, by its key. */
  readonly changedInputs: ReadonlyMap<string, readonly string[]>;
}

/** In topological order; jobs that the graph does not have any more come last. */
export function planResume(facts: ResumeFacts): PlannedJob[] {
  const { graph, selected, ended } = facts;
  const plan = makePlan(graph, selected);
  const definitions = new Map(graph.jobs.map((job) => [job.key, job]));
  const passing = new Set(plan.passing);
  /** For each position the jobs that run again by which those below it do so: itself, or what it passes on. */
  const rerun: (readonly string[])[] = [];
  const planned = plan.keys.flatMap((key, place): PlannedJob[] => {
    const above = [...new Set((plan.parents[place] ?? []).flatMap((parent) => rerun[parent] ?? []))];
    if (passing.has(place)) {
      rerun[place] = above;
      return [];
    }
    const reasons = reasonsToRerun(facts, key, definitions.get(key), above);
    rerun[place] = reasons.length > 0 ? [key] : [];
    if (reasons.length > 0) return [{ job: key, action: 'rerun', reasons }];
    return [{ job: key, action: 'keep', reasons: [{ reason: reasonToKeep(ended.get(key)), because: [] }] }];
  });
  const dropped = [...ended.keys()].filter((key) => !selected.has(key));
  return [
    ...planned,
    ...dropped.map(
      (job): PlannedJob => ({ job, action: 'drop', reasons: [{ reason: 'removed', because: [] }] }),
    ),
  ];
}

function reasonsToRerun(
  { ended, from, changedInputs }: ResumeFacts,
  key: string,
  definition: GraphJob | undefined,
  above: readonly string[],
): PlannedReason[] {
  const row = ended.get(key);
  // Whoever did it by hand knew how things were.
  if (row?.isMarked && !from?.has(key)) return [];
  const reasons: PlannedReason[] = [];
  const add = (reason: ResumeReason, because: readonly string[] = []) => reasons.push({ reason, because });
  if (!row) add('added');
  if (from?.has(key)) add('chosen');
  if (row && from === null) {
    if (row.state !== 'SUCCESS') add(wasReached(row) ? 'failed' : 'unreached');
    if (!isSameDefinition(row.definition, definition)) add('definition_changed');
    const changed = changedInputs.get(key) ?? [];
    if (changed.length > 0) add('input_changed', changed);
  }
  if (above.length > 0) add('downstream', above);
  return reasons;
}

function reasonToKeep(row: EndedJobRun | undefined): ResumeReason {
  if (row?.isMarked) return 'marked';
  return row?.state === 'SUCCESS' ? 'succeeded' : 'not_chosen';
}

function wasReached({ reason, attempts }: EndedJobRun): boolean {
  return reason !== 'upstream_failed' && attempts > 0;
}

function isSameDefinition(a: GraphJob | undefined, b: GraphJob | undefined): boolean {
  return isDeepStrictEqual(a, b);
}

/** The ends that stand, by their positions in the plan; undefined where all jobs run. */
export function keptJobs(
  plan: Plan,
  kept: ReadonlyMap<string, { readonly state: RunState; readonly reason: string | null }>,
): KeptJobs | undefined {
  const succeeded: number[] = [];
  const skipped: number[] = [];
  const failed: number[] = [];
  plan.keys.forEach((key, place) => {
    const end = kept.get(key);
    if (!end || !isFinal(end.state)) return;
    if (end.state === 'FAILED') failed.push(place);
    else if (end.reason === 'skipped') skipped.push(place);
    else succeeded.push(place);
  });
  return succeeded.length + skipped.length + failed.length > 0 ? { succeeded, skipped, failed } : undefined;
}
