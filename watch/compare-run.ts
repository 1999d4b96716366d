// A run's rows against the history of its execution. Pure. The planner is run again over the ends that the history tells:
// what it settles by itself is expected as well, so that rows are held to the graph's rules and not only to each other.
import { outcomes } from '../graph/outcomes.ts';
import type { Plan } from '../graph/plan.ts';
import { beginProgress, completeJob, takeReady, takeSettled } from '../graph/planner.ts';
import type { Difference, Verification } from '../graph/resources.ts';
import type { GraphEnd, JobEnd, RunState } from '../graph/states.ts';
import { isFinal } from '../graph/states.ts';
import type { RunHistory } from './read-history.ts';
import type { ExecutionView } from './temporal-view.ts';

/** What the rows say. */
export interface RunRows {
  readonly state: RunState;
  readonly reason: string | null;
  readonly jobs: ReadonlyMap<string, JobRowFacts>;
}

export interface JobRowFacts {
  readonly state: RunState;
  readonly reason: string | null;
  readonly outputHash: string | null;
}

type Explained = Verification['explained'][number];

export function compareRun(
  rows: RunRows,
  plan: Plan,
  view: Pick<ExecutionView, 'status'>,
  history: RunHistory,
): Omit<Verification, 'verdict' | 'events'> {
  const differences: Difference[] = [];
  const explained: Explained[] = [];
  const outcome = outcomes[view.status];
  const expected = expectEnds(plan, history, outcome ? { state: 'FAILED', reason: outcome.jobs } : null);
  const runEnd = outcome ? (history.end ?? ({ state: 'FAILED', reason: outcome.run } as const)) : null;
  compareEnds(null, rows, runEnd, differences);
  for (const [job, row] of rows.jobs) {
    if (view.status === 'CANCELLED' && fellToCancel(row, history, job)) continue;
    const told = expected.get(job) ?? null;
    const found: Difference[] = [];
    compareEnds(job, row, told, found);
    const hash = history.jobs.get(job)?.hash ?? null;
    if (told?.state === 'SUCCESS' && row.state === 'SUCCESS' && hash !== null && row.outputHash !== hash) {
      found.push({ job, fact: 'output', row: row.outputHash, history: hash });
    }
    const why = explain(row, history, job, runEnd);
    if (why === null) differences.push(...found);
    else explained.push(...found.map((difference) => ({ ...difference, why })));
  }
  differences.push(...findDisorder(plan, history));
  return { differences, explained };
}

/**
 * A job that never began in a cancelled run: it ended by the cancel, or by what the cancel did to a job above it. Which of
 * the two comes first in one workflow task is not in the history.
 */
function fellToCancel(row: JobRowFacts, history: RunHistory, job: string): boolean {
  const neverBegan = !history.scheduled.has(job) && !history.jobs.has(job);
  return neverBegan && row.state === 'FAILED' && ['cancelled', 'upstream_failed'].includes(row.reason ?? '');
}

/** An attempt may record its SUCCESS, and its execution be ended from outside before Temporal hears of it. */
function explain(row: JobRowFacts, history: RunHistory, job: string, runEnd: GraphEnd | null): string | null {
  const endedOutside = runEnd !== null && history.end === null;
  const wasPending = history.scheduled.has(job) && !history.jobs.has(job);
  return endedOutside && wasPending && row.state === 'SUCCESS'
    ? 'its attempt had recorded SUCCESS when the execution was ended from outside'
    : null;
}

/** How each job is expected to have ended; jobs that are missing are expected to be open. */
function expectEnds(plan: Plan, history: RunHistory, rest: JobEnd | null): Map<string, JobEnd> {
  const ends = new Map<string, JobEnd>();
  const progress = beginProgress(plan);
  const keyOf = (job: number) => plan.keys[job] as string;
  for (let moved = true; moved; ) {
    moved = false;
    for (const job of takeReady(progress, plan.keys.length)) {
      const told = history.jobs.get(keyOf(job));
      if (!told) continue;
      ends.set(keyOf(job), told.end);
      completeJob(progress, job, told.end);
      moved = true;
    }
    for (const { job, end } of takeSettled(progress)) ends.set(keyOf(job), end);
  }
  const passing = new Set(plan.passing);
  plan.keys.forEach((key, job) => {
    if (rest && !passing.has(job) && !ends.has(key)) ends.set(key, rest);
  });
  return ends;
}

function compareEnds(
  job: string | null,
  row: { readonly state: RunState; readonly reason: string | null },
  told: JobEnd | GraphEnd | null,
  differences: Difference[],
): void {
  if (told === null) {
    if (isFinal(row.state)) differences.push({ job, fact: 'state', row: row.state, history: 'open' });
  } else if (row.state !== told.state) {
    differences.push({ job, fact: 'state', row: row.state, history: told.state });
  } else if (row.reason !== told.reason) {
    differences.push({ job, fact: 'reason', row: row.reason, history: told.reason });
  }
}

/** A job whose activity was scheduled before a parent's end. */
function findDisorder(plan: Plan, history: RunHistory): Difference[] {
  const passing = new Set(plan.passing);
  return plan.keys.flatMap((key, job) => {
    const scheduled = history.scheduled.get(key);
    if (scheduled === undefined || passing.has(job)) return [];
    return (plan.parents[job] ?? []).flatMap((parent): Difference[] => {
      const parentKey = plan.keys[parent] as string;
      const began = history.scheduled.get(parentKey);
      if (began === undefined) return [];
      const ended = history.jobs.get(parentKey)?.eventId;
      if (ended !== undefined && ended < scheduled) return [];
      return [{ job: key, fact: 'order', row: null, history: `scheduled before the end of ${parentKey}` }];
    });
  });
}
