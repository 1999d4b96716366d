// Whether a run is paused. Requests of the API are numbered, and come from its row: of two the later one counts, in whatever
// order and however often they come. What somebody sends by hand counts at once, and gets its number from the row.
import { defineSignal, setHandler } from '@temporalio/workflow';
import type { KnownPause } from '../store/execution.ts';
import { local, locallyOrQueued, queued } from './bookkeeping.ts';
import { bookkeepingActivityIds, runSignals } from './contract.ts';

export interface Pause {
  isOn(): boolean;
  /** Called each time that the run goes on. */
  whenOver(goOn: () => void): void;
  /** Resolves once what was sent by hand is in the rows. */
  noted(): Promise<void>;
}

interface ByHand {
  readonly paused: boolean;
  readonly by: string | null;
  readonly note: string | null;
}

/** `known`: what the row said when the run was opened. */
export function hearPauses(known: KnownPause = { number: 0, paused: false }): Pause {
  let last = known;
  /** Counts, and is not in the rows yet. */
  let byHand: ByHand | null = null;
  let notes = 0;
  let noting: Promise<void> | null = null;
  let goOn = (): void => {};
  const isOn = (): boolean => byHand?.paused ?? last.paused;

  const change = (what: () => void): void => {
    const wasOn = isOn();
    what();
    if (wasOn && !isOn()) goOn();
  };
  const take = (request: KnownPause): void => {
    if (request.number <= last.number) return;
    last = request;
    byHand = null;
  };
  const keep = (told: ByHand, counts: KnownPause): void => {
    if (byHand === told) byHand = null;
    if (counts.number > last.number) last = counts;
  };
  const noteAll = async (): Promise<void> => {
    for (let told = byHand; told !== null; told = byHand) {
      notes += 1;
      const counts = await note({ ...told, seen: last.number }, notes);
      change(() => keep(told, counts));
    }
    noting = null;
  };
  const hear =
    (paused: boolean) =>
    (input?: unknown): void => {
      if (paused === isOn()) return;
      change(() => {
        byHand = { paused, ...readAsked(input) };
      });
      // Behind what else came in this workflow task, which may be of more account.
      noting ??= Promise.resolve().then(noteAll);
    };

  setHandler(
    defineSignal<[unknown]>(runSignals.setPause),
    (input) => {
      if (isKnownPause(input)) change(() => take(input));
    },
    { description: 'Of the API, which numbers its requests.' },
  );
  setHandler(defineSignal<[unknown?]>(runSignals.pause), hear(true), {
    description: 'Starts no more jobs. Input, if any: {"by": "...", "note": "..."}.',
  });
  setHandler(defineSignal<[unknown?]>(runSignals.unpause), hear(false), {
    description: 'Goes on after a pause. Input as of a pause.',
  });
  return {
    isOn,
    whenOver: (callback) => {
      goOn = callback;
    },
    noted: async () => {
      if (noting !== null) await noting;
    },
  };
}

function note(byHand: ByHand & { readonly seen: number }, number: number): Promise<KnownPause> {
  return locallyOrQueued(
    () => local.notePause(byHand),
    () => queued(`${bookkeepingActivityIds.pause}/${number}`).notePause(byHand),
  );
}

function isKnownPause(input: unknown): input is KnownPause {
  if (typeof input !== 'object' || input === null || !('number' in input) || !('paused' in input))
    return false;
  return Number.isSafeInteger(input.number) && typeof input.paused === 'boolean';
}

/** As far as it says who and why: it was written by hand. */
function readAsked(input: unknown): Pick<ByHand, 'by' | 'note'> {
  const given = typeof input === 'object' && input !== null ? input : {};
  return { by: textOf('by' in given ? given.by : null), note: textOf('note' in given ? given.note : null) };
}

const textMax = 500;

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, textMax) : null;
}
