// Cancels that are kept on the rows of open runs: told to Temporal until the execution has heard, and carried out by a
// terminate where no worker takes them.
import { isOngoing } from '../graph/outcomes.ts';
import type { OpenCancel } from '../store/cancel-runs.ts';
import type { Store } from '../store/store.ts';
import type { RunSubject } from '../store/watching.ts';
import { cancelGraceMs } from '../workflows/contract.ts';
import type { Canceller } from './canceller.ts';
import type { ExecutionView, TemporalView } from './temporal-view.ts';
import { workThrough } from './work-through.ts';

export interface CarryOutCancelsOptions {
  readonly store: Pick<Store, 'cancels'>;
  readonly canceller: Canceller;
  readonly temporal: Pick<TemporalView, 'describe' | 'describeNewest' | 'cancelWaitsSince'>;
  /** Now. */
  readonly now: Date;
  readonly signal: AbortSignal;
  readonly onError: (error: unknown) => void;
}

const cancelsPerPage = 100;
const cancelsAtOnce = 10;

/** Goes through all of them. While Temporal is away it gives up early, and the next turn tries again. */
export async function carryOutCancels(options: CarryOutCancelsOptions): Promise<void> {
  await carryOutPages(options, 'graph_run');
  await carryOutPages(options, 'job_run');
}

async function carryOutPages(options: CarryOutCancelsOptions, subject: RunSubject): Promise<void> {
  const { store, signal, onError } = options;
  for (let after: string | null = null; !signal.aborted; ) {
    const cancels: OpenCancel[] = await store.cancels.open(subject, after, cancelsPerPage);
    const work = (cancel: OpenCancel) => carryOut(options, cancel);
    const all = await workThrough({ items: cancels, atOnce: cancelsAtOnce, signal, work, onError }).then(
      () => true,
      () => false,
    );
    if (!all || cancels.length < cancelsPerPage) return;
    after = cancels.at(-1)?.id ?? null;
  }
}

async function carryOut(options: CarryOutCancelsOptions, cancel: OpenCancel): Promise<void> {
  const { canceller, temporal } = options;
  const { workflowId, firstExecutionRunId } = cancel;
  const runId = cancel.runId ?? firstExecutionRunId;
  const view =
    runId === null
      ? await temporal.describeNewest(workflowId)
      : await temporal.describe({ workflowId, runId });
  // One that is not there is to be started first. What a reset made is another epoch, in which the cancel counts no more.
  if (!view || view.resetRunId !== null || !isOngoing(view.status)) return;
  if (!view.cancelRequested) {
    await canceller.requestCancel({ ...cancel, firstExecutionRunId: view.firstExecutionRunId });
  } else if (await isNotTaken(options, view)) {
    await canceller.terminateCancelled(view, cancel.cancelRequest.by);
  }
}

/**
 * No worker has taken the cancel within its grace, or else what came after it. A job that cleans up may keep its run open for
 * longer: the workflow has taken the cancel, and has no task, until that job has ended.
 */
async function isNotTaken({ temporal, now }: CarryOutCancelsOptions, view: ExecutionView): Promise<boolean> {
  const { workflowTask } = view;
  if (!workflowTask) return false;
  const waits = workflowTask.isTaken ? null : workflowTask.scheduledAt;
  const since = (await temporal.cancelWaitsSince(view)) ?? waits;
  return since !== null && now.getTime() - since.getTime() > cancelGraceMs;
}
