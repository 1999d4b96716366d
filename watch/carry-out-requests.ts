// What is asked of open runs and kept on their rows, beside the cancel of a whole one: told to Temporal until it has heard.
import type { JobCancelToTell } from '../store/job-cancels.ts';
import type { PauseToTell } from '../store/pause-runs.ts';
import type { RetryToTell } from '../store/retry-jobs.ts';
import type { Store } from '../store/store.ts';
import { runSignals } from '../workflows/contract.ts';
import type { ActivityRetrier } from './activity-retrier.ts';
import type { Signaller } from './signaller.ts';
import { workThrough } from './work-through.ts';

export interface TellOptions {
  readonly store: Pick<Store, 'cancels' | 'pauses' | 'retries'>;
  readonly starter: Signaller & ActivityRetrier;
}

export interface CarryOutOptions extends TellOptions {
  readonly signal: AbortSignal;
  readonly onError: (error: unknown) => void;
}

const requestsPerPage = 100;
const requestsAtOnce = 10;

/** Goes through all of them. While Temporal is away it gives up early, and the next turn tries again. */
export async function carryOutRequests(options: CarryOutOptions): Promise<void> {
  const { cancels, pauses, retries } = options.store;
  await carryOutPages<PauseToTell>(options, {
    read: (after) => pauses.untold(after, requestsPerPage),
    idOf: ({ id }) => id,
    tell: (pause) => tellPause(options, pause),
  });
  await carryOutPages<JobCancelToTell>(options, {
    read: (after) => cancels.untoldJobs(after, requestsPerPage),
    idOf: ({ jobRunId }) => jobRunId,
    tell: (cancel) => tellJobCancel(options, cancel),
  });
  await carryOutPages<RetryToTell>(options, {
    read: (after) => retries.open(after, requestsPerPage),
    idOf: ({ jobRunId }) => jobRunId,
    tell: (retry) => options.starter.retryNow(retry),
  });
}

interface Pages<Request> {
  read(after: string | null): Promise<Request[]>;
  idOf(request: Request): string;
  tell(request: Request): Promise<void>;
}

async function carryOutPages<Request>(
  { signal, onError }: CarryOutOptions,
  { read, idOf, tell }: Pages<Request>,
): Promise<void> {
  for (let after: string | null = null; !signal.aborted; ) {
    const items: Request[] = await read(after);
    const all = await workThrough({ items, atOnce: requestsAtOnce, signal, work: tell, onError }).then(
      () => true,
      () => false,
    );
    const last = items.at(-1);
    if (!all || items.length < requestsPerPage || last === undefined) return;
    after = idOf(last);
  }
}

/** Where the execution is not open any more, another one learns of it when it opens the run, or is told in its place. */
export async function tellPause({ store, starter }: TellOptions, pause: PauseToTell): Promise<void> {
  const { workflowId, runId, number, paused, by } = pause;
  const isTold = await starter.signal({
    ...{ workflowId, runId, by, name: runSignals.setPause, input: { number, paused } },
    requestId: `pause/${number}`,
  });
  if (isTold) await store.pauses.noteTold(pause);
}

/** Likewise. */
export async function tellJobCancel({ store, starter }: TellOptions, cancel: JobCancelToTell): Promise<void> {
  const { workflowId, runId, job, jobRunId, by } = cancel;
  const isTold = await starter.signal({
    ...{ workflowId, runId, by, name: runSignals.cancelJob, input: { job } },
    requestId: `cancel/${jobRunId}`,
  });
  if (isTold) await store.cancels.noteJobTold(cancel);
}
