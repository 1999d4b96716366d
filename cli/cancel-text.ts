// Why a job is FAILED/cancelled: it was asked for of the job, or of its run, or follows from how the run goes. Pure.
import type { GraphRunView, JobRunView } from '../client/index.ts';
import { formatAsked } from './text.ts';

export type CancelledRun = Pick<GraphRunView, 'reason' | 'cancelRequest'>;

/** `run`: that it is of; null for a job that was run alone. */
export function renderCancel(job: Pick<JobRunView, 'cancelRequest'>, run: CancelledRun | null): string {
  if (job.cancelRequest !== null) return `cancelled ${formatAsked(job.cancelRequest)}`;
  if (run === null) return "cancelled with Temporal's own tools";
  if (run.cancelRequest !== null) return `cancelled with its run, ${formatAsked(run.cancelRequest)}`;
  if (run.reason === 'timed_out') return "cancelled since the run took longer than its graph's timeout";
  if (run.reason === 'cancelled') return "cancelled with its run, by Temporal's own tools";
  return "cancelled since another job failed, by the graph's onFailure";
}
