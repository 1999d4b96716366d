// Pauses and unpauses that are kept on the rows of open runs: told to their workflows.
import type { PauseToTell } from '../store/pause-runs.ts';
import type { Store } from '../store/store.ts';
import { runSignals } from '../workflows/contract.ts';
import type { Signaller } from './signaller.ts';
import { workThrough } from './work-through.ts';

export interface TellPauseOptions {
  readonly store: Pick<Store, 'pauses'>;
  readonly signaller: Signaller;
}

export interface CarryOutPausesOptions extends TellPauseOptions {
  readonly signal: AbortSignal;
  readonly onError: (error: unknown) => void;
}

const pausesPerPage = 100;
const pausesAtOnce = 10;

/** Goes through all of them. While Temporal is away it gives up early, and the next turn tries again. */
export async function carryOutPauses(options: CarryOutPausesOptions): Promise<void> {
  const { store, signal, onError } = options;
  for (let after: string | null = null; !signal.aborted; ) {
    const pauses: PauseToTell[] = await store.pauses.untold(after, pausesPerPage);
    const work = (pause: PauseToTell) => tellPause(options, pause);
    const all = await workThrough({ items: pauses, atOnce: pausesAtOnce, signal, work, onError }).then(
      () => true,
      () => false,
    );
    if (!all || pauses.length < pausesPerPage) return;
    after = pauses.at(-1)?.id ?? null;
  }
}

/** Where the execution is not open any more, another one learns of it when it opens the run, or is told in its place. */
export async function tellPause({ store, signaller }: TellPauseOptions, pause: PauseToTell): Promise<void> {
  const { workflowId, runId, number, paused, by } = pause;
  const isTold = await signaller.signal({
    ...{ workflowId, runId, by, name: runSignals.setPause, input: { number, paused } },
    requestId: `pause/${number}`,
  });
  if (isTold) await store.pauses.noteTold(pause);
}
