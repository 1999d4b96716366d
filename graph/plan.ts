import type { Graph } from './graph.ts';
import type { JobRules, OnFailure } from './rules.ts';
import { walkDown, walkUp } from './selection.ts';

/**
 * What a workflow is given of a graph: keys, edges by number, rules; never configs. In columns, and each set of rules
 * once, since 10,000 jobs must stay below the plan's limit.
 */
export interface Plan {
  /** In topological order. */
  readonly keys: readonly string[];
  /** Per job the positions of its parents, each smaller than its own. */
  readonly parents: readonly (readonly number[])[];
  readonly rules: readonly JobRules[];
  /** Per job its position in `rules`. */
  readonly ruleOf: readonly number[];
  /** Positions of jobs that are left out but stand between selected ones: they keep the order and are never run. */
  readonly passing: readonly number[];
  /** Absent where it is `continue`. */
  readonly onFailure?: OnFailure;
  /** Of the whole run, where it has one. */
  readonly timeoutMs?: number;
}

/** Positions of jobs that ended before an execution opened its run: they are not run again. */
export interface KeptJobs {
  readonly succeeded: readonly number[];
  readonly skipped: readonly number[];
  readonly failed: readonly number[];
}

/** The plan of the selected jobs of a graph. Order between two of them holds through the jobs that are left out. */
export function makePlan(graph: Graph, selected: ReadonlySet<string>): Plan {
  const above = walkUp(graph, selected);
  const below = walkDown(graph, selected);
  const kept = graph.jobs.filter((job) => above.has(job.key) && below.has(job.key));
  const place = new Map(kept.map((job, index) => [job.key, index]));
  const rules: JobRules[] = [];
  const ruleAt = new Map<string, number>();
  const ruleOf = kept.map((job) => {
    const text = JSON.stringify(job.rules);
    const known = ruleAt.get(text);
    if (known !== undefined) return known;
    ruleAt.set(text, rules.length);
    return rules.push(job.rules) - 1;
  });
  return {
    keys: kept.map((job) => job.key),
    parents: kept.map((job) => job.dependsOn.flatMap((parent) => place.get(parent) ?? [])),
    rules,
    ruleOf,
    passing: kept.flatMap((job, index) => (selected.has(job.key) ? [] : [index])),
    ...(graph.onFailure !== undefined && { onFailure: graph.onFailure }),
    ...(graph.timeoutMs !== undefined && { timeoutMs: graph.timeoutMs }),
  };
}

export function rulesAt(plan: Plan, job: number): JobRules {
  const rules = plan.rules[plan.ruleOf[job] ?? -1];
  if (rules === undefined) throw new Error(`plan has no rules for job ${job}`);
  return rules;
}
