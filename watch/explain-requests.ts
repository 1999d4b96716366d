// What somebody has asked of a run, and how far that is. Pure.
import type { WaitingJob } from '../graph/inspections.ts';
import { limits } from '../graph/limits.ts';
import type { Asked } from '../graph/resources.ts';
import type { RunFacts } from '../store/store.ts';
import { cancelGraceMs } from '../workflows/contract.ts';
import type { Judgement, TemporalFacts } from './explain-run.ts';
import type { ExecutionView } from './temporal-view.ts';

/** What the run waits for that is to be cancelled, while Temporal has an execution of it. */
export function judgeCancelled(
  { cancelRequest }: RunFacts,
  { execution }: TemporalFacts,
  jobs: readonly WaitingJob[],
): Judgement | null {
  if (cancelRequest === null || execution === null) return null;
  return { reason: 'cancelling', message: describeCancelled(execution, jobs) };
}

function describeCancelled(execution: ExecutionView, jobs: readonly WaitingJob[]): string {
  if (!execution.cancelRequested) {
    return 'Temporal has not been told yet: API and worker processes tell it every second until it has heard.';
  }
  if (execution.workflowTask) {
    const graceSeconds = cancelGraceMs / 1_000;
    return `Temporal has been told, and a worker is to take it; if none does within ${graceSeconds} s, the run ends without.`;
  }
  const stopping = jobs.filter(({ reason }) => reason === 'stopping').map(({ job }) => job);
  if (stopping.length === 0) return 'A worker has taken it; the end of the run is about to be written.';
  const shown = stopping.slice(0, limits.explainedUpstream);
  const more = stopping.length - shown.length;
  return `It waits for jobs that clean up: ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}.`;
}

/** Nothing of it goes on when its turn has come, either. */
export function withPause({ id, pause, state }: RunFacts, judgement: Judgement): Judgement {
  if (pause === null || state !== 'PENDING') return judgement;
  const paused = `It is paused as well, ${describeAsked(pause)}: no job of it begins until: graphrun unpause ${id}`;
  return { ...judgement, message: `${judgement.message} ${paused}` };
}

/** A workflow task that fails is of more account: nothing goes on before that is mended. */
export function judgePaused(
  { id, pause, state }: RunFacts,
  { taskFailure }: TemporalFacts,
): Judgement | null {
  if (pause === null || state !== 'RUNNING' || taskFailure !== null) return null;
  const goOn = `What is under way ends, and nothing new begins; to go on: graphrun unpause ${id}`;
  return { reason: 'paused', message: `It is paused, ${describeAsked(pause)}. ${goOn}` };
}

/** Says first that a cancel was asked for, whatever the run waits for. */
export function withCancel(cancelRequest: Asked | null, judgement: Judgement): Judgement {
  if (cancelRequest === null) return judgement;
  const asked = `It is to be cancelled, ${describeAsked(cancelRequest)}.`;
  return { ...judgement, message: `${asked} ${judgement.message}` };
}

/** Who asked for something, when and why. */
export function describeAsked({ at, by, note }: Asked): string {
  return `since ${at} by ${by}${note === null ? '' : ` (${note})`}`;
}
