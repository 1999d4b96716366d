// Cancels of single jobs of graph runs that are kept on their rows: told to the workflows.
import type { JobCancelToTell } from '../store/job-cancels.ts';
import type { Store } from '../store/store.ts';
import { runSignals } from '../workflows/contract.ts';
import type { Signaller } from './signaller.ts';
import { workThrough } from './work-through.ts';

export interface TellJobCancelOptions {
  readonly store: Pick<Store, 'cancels'>;
  readonly signaller: Signaller;
}

export interface CarryOutJobCancelsOptions extends TellJobCancelOptions {
  readonly signal: AbortSignal;
  readonly onError: (error: unknown) => void;
}

const cancelsPerPage = 100;
const cancelsAtOnce = 10;

/** Goes through all of them. While Temporal is away it gives up early, and the next turn tries again. */
export async function carryOutJobCancels(options: CarryOutJobCancelsOptions): Promise<void> {
  const { store, signal, onError } = options;
  for (let after: string | null = null; !signal.aborted; ) {
    const cancels: JobCancelToTell[] = await store.cancels.untoldJobs(after, cancelsPerPage);
    const work = (cancel: JobCancelToTell) => tellJobCancel(options, cancel);
    const all = await workThrough({ items: cancels, atOnce: cancelsAtOnce, signal, work, onError }).then(
      () => true,
      () => false,
    );
    if (!all || cancels.length < cancelsPerPage) return;
    after = cancels.at(-1)?.jobRunId ?? null;
  }
}

/** Where the execution is not open any more, the one in its place is told. */
export async function tellJobCancel(
  { store, signaller }: TellJobCancelOptions,
  cancel: JobCancelToTell,
): Promise<void> {
  const { workflowId, runId, job, jobRunId, by } = cancel;
  const isTold = await signaller.signal({
    ...{ workflowId, runId, by, name: runSignals.cancelJob, input: { job } },
    requestId: `cancel/${jobRunId}`,
  });
  if (isTold) await store.cancels.noteJobTold(cancel);
}
