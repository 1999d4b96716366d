// What went wrong in a run, in full. Pure.
import type { GraphRunDetail, JobRunView } from '../client/index.ts';
import { type CancelledRun, renderCancel } from './cancel-text.ts';
import { count, indent, printable } from './text.ts';

/** What failed, in full: each job that has an error of its own, and the run where it has one. */
export function renderErrors(run: GraphRunDetail): string {
  const failed = run.jobRuns.filter((job) => job.error !== null && !isThatOf(run, job));
  const told = failed.filter((job) => !isOnlyCancelled(job));
  const blocks = [
    ...told.map((job) => renderJobError(job, run)).filter((block) => block !== ''),
    ...renderCancelled(failed.filter(isOnlyCancelled), run),
  ];
  if (run.error !== null && (run.reason !== 'job_failed' || blocks.length === 0)) {
    blocks.unshift(renderError(run.project === '' ? 'the run' : `run of ${run.project}`, run, ''));
  }
  return blocks.join('\n\n');
}

/** What ends a run from outside ends all of its open jobs: it is told once. */
function isThatOf(run: GraphRunDetail, { error, reason }: JobRunView): boolean {
  return run.error !== null && run.reason === reason && run.error.message === error?.message;
}

/** Jobs that were cancelled for the same reason are told together. */
function renderCancelled(jobs: readonly JobRunView[], run: GraphRunDetail): string[] {
  const whys = new Map<string, string[]>();
  for (const job of jobs) {
    const why = renderCancel(job, run);
    whys.set(why, [...(whys.get(why) ?? []), job.job]);
  }
  return [...whys].map(([why, names]) => {
    const more = names.length - namesShown;
    const shown = names.slice(0, namesShown).join(', ');
    return `${shown}${more > 0 ? ` and ${more} more` : ''} failed (cancelled):\n${indent(why)}`;
  });
}

const namesShown = 10;

/** It threw nothing else when it was told to stop: Temporal's own words for a cancel tell nobody anything. */
function isOnlyCancelled({ state, reason, error }: JobRunView): boolean {
  const isOwn = error !== null && !/^(Cancelled|CancelledFailure|AbortError)$/.test(error.type);
  return state === 'FAILED' && reason === 'cancelled' && !isOwn;
}

/** Of one that has failed, or waits for its next attempt; else empty. */
export function renderJobError(run: JobRunView, ofRun: CancelledRun | null): string {
  const { job, state, reason, attempts } = run;
  if (reason === 'retry') return renderError(`attempt ${attempts} of ${job}`, run, '');
  if (state !== 'FAILED') return '';
  const more = `, ${count(attempts, 'attempt')}`;
  const own = isOnlyCancelled(run) ? `${job} failed (cancelled${more}):` : renderError(job, run, more);
  return reason === 'cancelled' ? `${own}\n${indent(renderCancel(run, ofRun))}` : own;
}

/** One error with its code, its message in full and its cause. */
function renderError(
  what: string,
  { error, reason }: Pick<JobRunView, 'error'> & { readonly reason: string | null },
  more: string,
): string {
  if (error === null) return '';
  const lines = [
    `${what} failed (${[...new Set([error.code ?? error.type, reason ?? 'error'])].join(', ')}${more}):`,
    indent(printable(error.message)),
  ];
  // Messages of ours tell what the cause said, as a rule: once is enough.
  const { cause } = error;
  const isTold = cause === undefined || error.message.includes(cause.replace(/^\w+: /, ''));
  if (!isTold) lines.push(indent(`caused by: ${printable(cause)}`));
  return lines.join('\n');
}
