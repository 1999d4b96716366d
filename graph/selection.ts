import type { Problem } from './errors.ts';
import type { Graph } from './graph.ts';
import { pointer } from './zod-problems.ts';

const selectorPattern = /^(\+?)([a-z][a-z0-9_]{0,62})(\+?)$/;

export type Selection =
  | { readonly ok: true; readonly keys: ReadonlySet<string> }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * The jobs that selectors name: `job`, `+job` with all upstream of it, `job+` with all downstream, `+job+` both.
 * An entry may hold several, joined by commas. Null selects all jobs.
 */
export function selectJobs(graph: Graph, selectors: readonly string[] | null): Selection {
  const all = new Set(graph.jobs.map((job) => job.key));
  if (selectors === null) return { ok: true, keys: all };
  const problems: Problem[] = [];
  const upstreamOf = new Set<string>();
  const downstreamOf = new Set<string>();
  const keys = new Set<string>();
  selectors.forEach((entry, index) => {
    for (const selector of entry.split(',').map((part) => part.trim())) {
      const match = selectorPattern.exec(selector);
      const key = match?.[2];
      if (!match || key === undefined || !all.has(key)) {
        problems.push(unknownSelector(index, selector, match !== null));
        continue;
      }
      keys.add(key);
      if (match[1]) upstreamOf.add(key);
      if (match[3]) downstreamOf.add(key);
    }
  });
  if (selectors.length === 0) {
    problems.push({
      code: 'SELECTOR_UNKNOWN',
      path: '',
      message: 'the selection is empty; leave it out to run all jobs',
    });
  }
  if (problems.length > 0) return { ok: false, problems };
  for (const key of walkUp(graph, upstreamOf)) keys.add(key);
  for (const key of walkDown(graph, downstreamOf)) keys.add(key);
  return { ok: true, keys };
}

/** `jobs` is in topological order, so one pass each way reaches everything. */
export function walkDown(graph: Graph, from: ReadonlySet<string>): Set<string> {
  const reached = new Set(from);
  for (const job of graph.jobs) {
    if (job.dependsOn.some((parent) => reached.has(parent))) reached.add(job.key);
  }
  return reached;
}

export function walkUp(graph: Graph, from: ReadonlySet<string>): Set<string> {
  const reached = new Set(from);
  for (const job of [...graph.jobs].reverse()) {
    if (reached.has(job.key)) for (const parent of job.dependsOn) reached.add(parent);
  }
  return reached;
}

function unknownSelector(index: number, selector: string, wellFormed: boolean): Problem {
  const message = wellFormed
    ? `"${selector}" names no job of this graph`
    : `"${selector.slice(0, 100)}" is not a selector; expected job, +job, job+ or +job+`;
  return { code: 'SELECTOR_UNKNOWN', path: pointer(['select', index]), message };
}
