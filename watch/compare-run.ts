// A run's rows against the history of the execution that carries it out. Pure. The planner is run again over the ends that
// the history tells: what it settles by itself is expected as well, so that rows are held to the graph's rules and not only
// to each other.
import type { Difference } from '../graph/inspections.ts';
import { type Outcome, outcomeOf } from '../graph/outcomes.ts';
import type { KeptJobs, Plan } from '../graph/plan.ts';
import { notStarted } from '../graph/planner.ts';
import { isFinal, type JobEnd } from '../graph/states.ts';
import { isCancelTermination } from '../workflows/contract.ts';
import { compareAttempts } from './compare-attempts.ts';
import { add, type Compared, type EndRow, type JobRowFacts, type RunRows } from './compared.ts';
import { type ExpectedEnds, expectEnds } from './expected-ends.ts';
import type { RunHistory } from './run-history.ts';
import type { ExecutionView } from './temporal-view.ts';

/**
 * How the execution stands: `open`, ended by its `own` workflow code, or ended from `outside` (terminated, timed out, or
 * failed by something else than a job), in which case no code of ours told the end.
 */
type Standing = 'open' | 'own' | 'outside';

interface Comparison {
  readonly view: Pick<ExecutionView, 'runId' | 'status' | 'pending'>;
  readonly history: RunHistory;
  readonly standing: Standing;
  /** Null while it is open. */
  readonly outcome: Outcome | null;
  readonly expected: ExpectedEnds;
}

/** One comparison of ends: what is expected, and why another may stand in the rows. */
interface Expectation {
  readonly job: string | null;
  readonly end: EndRow | null;
  /** Asked only where they differ. */
  why(row: EndRow): string | null;
}

export function compareRun(
  rows: RunRows,
  plan: Plan,
  view: Pick<ExecutionView, 'runId' | 'status' | 'pending'>,
  history: RunHistory,
  kept?: KeptJobs,
): Compared {
  const outcome = outcomeOf(view.status, isCancelTermination(history.terminateReason));
  const standing = outcome === null ? 'open' : history.end === null ? 'outside' : 'own';
  const comparison: Comparison = {
    view,
    history,
    standing,
    outcome,
    expected: expectEnds(plan, history, kept),
  };
  const found: Compared = { differences: findDisorder(plan, history), explained: [] };
  if (rows.run) compareEnd(rows.run, expectRun(comparison), found);
  for (const [job, row] of rows.jobs) {
    compareEnd(row, expectJob(comparison, job, row), found);
    compareUnscheduled(comparison, job, row, found);
    compareOutput(comparison, job, row, found);
    compareAttempts(job, row, { view, history }, found);
  }
  return found;
}

function expectRun({ history, standing, outcome, expected }: Comparison): Expectation {
  const end = outcome ? (history.end ?? ({ state: 'FAILED', reason: outcome.run } as const)) : null;
  const isDue = (row: EndRow) => expected.due.some((due) => isSame(row, due));
  return {
    job: null,
    end,
    why: (row) => {
      if (standing === 'own' || !isDue(row)) return null;
      return standing === 'open'
        ? 'the run has been closed, and Temporal has not heard of it yet'
        : 'the run had been closed when its execution was ended from outside';
    },
  };
}

function expectJob(comparison: Comparison, job: string, row: JobRowFacts): Expectation {
  const { history, standing, expected } = comparison;
  const rest = restOf(comparison);
  const told = history.jobs.get(job);
  const planned = expected.planned.get(job);
  if (!history.scheduled.has(job)) {
    const isKnown = standing === 'own' || told !== undefined;
    return {
      job,
      end: isKnown ? (planned ?? told?.end ?? rest) : rest,
      why: (found) => explainNeverBegun(comparison, job, found, planned),
    };
  }
  // While it is open, what is not settled may still end otherwise.
  const mayChange = standing === 'open' && told?.isSettled === false && !isFinal(row.state);
  return {
    job,
    end: mayChange ? null : (told?.end ?? rest),
    why: (found) => (told?.isSettled || standing === 'own' ? null : explainRecorded(comparison, found, row)),
  };
}

/** How jobs end of which neither history nor rules tell. A run that timed out has ended them as a cancel does. */
function restOf({ outcome, history }: Comparison): JobEnd | null {
  if (!outcome) return null;
  const reason = history.end?.reason === 'timed_out' ? 'cancelled' : outcome.jobs;
  return { state: 'FAILED', reason };
}

function explainNeverBegun(
  { history, standing }: Comparison,
  job: string,
  row: EndRow,
  planned: JobEnd | undefined,
): string | null {
  const isCutShort = history.cancelRequested || history.timerFired;
  if (isCutShort && row.state === 'FAILED' && fellToCancel.includes(row.reason ?? '')) {
    return 'it never began: it ended by the cancel or the time-out of its run, or by what that did to a job above it';
  }
  if (standing !== 'own' && history.cancelledJobs.has(job) && isSame(row, notStarted)) {
    return 'it was cancelled before it began, and Temporal has not heard of its end';
  }
  if (standing === 'own' || !planned || !isSame(row, planned)) return null;
  return standing === 'open'
    ? 'it is settled, and Temporal has not heard of it yet'
    : 'it had been settled when the execution was ended from outside';
}

/** Which of the two comes first in one workflow task is not in the history. */
const fellToCancel = ['cancelled', 'upstream_failed'];

/** An attempt records its end before Temporal hears of it; an end from outside may come between. */
function explainRecorded({ view, standing }: Comparison, found: EndRow, row: JobRowFacts): string | null {
  const attempt = row.attempts.get(view.runId);
  const isRecorded =
    attempt !== undefined && isSame(attempt, found) && !writtenForAttempts.includes(found.reason ?? '');
  if (!isRecorded || !isFinal(found.state)) return null;
  return standing === 'open'
    ? 'its attempt has recorded it, and Temporal has not heard of it yet'
    : 'its attempt had recorded it, or published its result, when the execution was ended from outside';
}

/** Ends that no attempt writes itself. */
const writtenForAttempts = ['terminated', 'lost'];

function compareEnd(row: EndRow, { job, end, why }: Expectation, found: Compared): void {
  const difference = differenceOf(row, job, end);
  if (difference) add(found, difference, why(row));
}

function differenceOf(row: EndRow, job: string | null, end: Expectation['end']): Difference | null {
  if (end === null) {
    return isFinal(row.state) ? { job, fact: 'state', row: row.state, history: 'open' } : null;
  }
  if (row.state !== end.state) return { job, fact: 'state', row: row.state, history: end.state };
  return row.reason === end.reason ? null : { job, fact: 'reason', row: row.reason, history: end.reason };
}

/** What works or waits for its next try has an activity. */
function compareUnscheduled({ history }: Comparison, job: string, row: JobRowFacts, found: Compared): void {
  const isTried = row.state === 'RUNNING' || row.reason === 'retry';
  if (isTried && !history.scheduled.has(job)) {
    found.differences.push({ job, fact: 'state', row: row.state, history: 'not scheduled' });
  }
}

function compareOutput({ history }: Comparison, job: string, row: JobRowFacts, found: Compared): void {
  const told = history.jobs.get(job);
  const hash = told?.hash ?? null;
  const isSuccess = told?.end.state === 'SUCCESS' && row.state === 'SUCCESS';
  if (isSuccess && hash !== null && row.outputHash !== hash) {
    found.differences.push({ job, fact: 'output', row: row.outputHash, history: hash });
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

function isSame(a: EndRow, b: EndRow): boolean {
  return a.state === b.state && a.reason === b.reason;
}
