// How often a job was tried, and its errors, in rows and history. Pure.
//
// The numbers that people see are the store's own count over all executions of a run. The server counts per activity (a
// job whose worker was stopped goes on in another one), and anew after `temporal activity reset` and `unpause
// --reset-attempts`, which leave no trace. Its history holds only the last attempt of an activity that ended, with the error
// of the one before; while an activity is open, Describe tells the same. So what is compared is, within one execution:
//
// - the number of attempts. Fewer rows are explained: an attempt whose worker was lost before its start was written leaves
//   no row, nor does one that only handed back what was recorded. But an end that an attempt recorded has a row. More rows
//   are explained by such a reset.
// - the error of a recorded failure with that of the job.
// - the error of the attempt before the last, where the server has one that a worker threw and the row one of its own. (A
//   time-out says only that Temporal did not hear of the attempt.)
//
// Times are not compared: the history does not hold them.
import type { AttemptFacts } from '../store/store.ts';
import { add, type Compared, type JobRowFacts } from './compared.ts';
import { attemptsBegun, type PendingFailure } from './pending-activities.ts';
import type { RunHistory } from './run-history.ts';
import type { ExecutionView } from './temporal-view.ts';

/** A job's attempts within one execution, by Temporal. */
interface ToldAttempts {
  readonly runId: string;
  readonly begun: number;
  readonly lastFailure: PendingFailure | null;
  /** The latest has ended and the next has not begun: then `lastFailure` is its own. */
  readonly isBetween: boolean;
}

interface Told {
  readonly view: Pick<ExecutionView, 'runId' | 'pending'>;
  readonly history: RunHistory;
}

const none: Pick<AttemptFacts, 'attempts' | 'errors'> = { attempts: 0, errors: [] };

export function compareAttempts(job: string, row: JobRowFacts, told: Told, found: Compared): void {
  compareRecordedError(job, row, told.history, found);
  const begun = attemptsOf(job, told);
  if (!begun) return;
  const { attempts, errors } = row.attempts.get(begun.runId) ?? none;
  if (attempts !== begun.begun) {
    const why = explainCount(attempts, begun.begun, told.history.jobs.get(job)?.recordedIn === begun.runId);
    add(found, { job, fact: 'attempts', row: String(attempts), history: String(begun.begun) }, why);
  }
  const before = errors[begun.isBetween ? 0 : 1] ?? null;
  const failure = begun.lastFailure;
  const isKnown = attempts >= begun.begun && before !== null && failure?.isThrown === true;
  if (isKnown && before !== failure.message) {
    add(found, { job, fact: 'error', row: before, history: failure.message }, null);
  }
}

function explainCount(rows: number, told: number, isRecorded: boolean): string | null {
  if (rows > told) return 'Temporal counts from 1 again after an activity reset, and keeps no trace of it';
  if (rows === 0 && isRecorded) return null;
  return 'an attempt that is lost before its start is written leaves no row, nor does one that hands back what is recorded';
}

function compareRecordedError(job: string, row: JobRowFacts, history: RunHistory, found: Compared): void {
  const told = history.jobs.get(job);
  const message = told?.recordedIn != null && told.end.state === 'FAILED' ? told.error?.message : undefined;
  if (message === undefined || row.state !== 'FAILED' || row.error === message) return;
  found.differences.push({ job, fact: 'error', row: row.error, history: message });
}

/** Undefined where Temporal does not tell: before the first attempt, and of what a reset copied without our mark. */
function attemptsOf(job: string, { view, history }: Told): ToldAttempts | undefined {
  // The history is read last: what has ended by it is not pending any more.
  const pending = history.jobs.has(job) ? undefined : view.pending.get(job);
  if (pending) {
    const { state, lastFailure } = pending;
    const isBetween = state === 'waiting' || state === 'paused';
    const earlier = history.attempts.get(job)?.number ?? 0;
    return { runId: view.runId, begun: attemptsBegun(pending) + earlier, lastFailure, isBetween };
  }
  const last = history.attempts.get(job);
  if (!last) return undefined;
  const isCopied = last.eventId <= Math.max(history.resetAtEventId, history.continuedAtEventId);
  const runId = history.jobs.get(job)?.recordedIn ?? (isCopied ? undefined : view.runId);
  if (runId === undefined) return undefined;
  return { runId, begun: last.number, lastFailure: last.lastFailure, isBetween: false };
}
