// Whether what was done to a schedule in Temporal counts, or what was done here and is not there yet. Pure.
import type { OutsideSchedule } from '../../store/mirror-schedules.ts';
import type { ScheduleToPush } from '../../store/schedule-pushes.ts';
import { toOutside } from './outside-schedule.ts';
import { isOurs, type ScheduleInView } from './schedule-view.ts';

export type Reconciled =
  /** What Temporal has is newer: it is to be taken from there. */
  | { readonly take: OutsideSchedule }
  | {
      readonly take: null;
      readonly paused: boolean;
      readonly note: string;
      /** What was done in Temporal and counts no more; null for nothing. */
      readonly overruled: string | null;
    };

export function reconcile(row: ScheduleToPush, view: ScheduleInView | null): Reconciled {
  const here = { paused: row.paused, note: row.note ?? '' };
  if (!view) return { take: null, ...here, overruled: null };
  // What was put from here last, its answer lost; or what somebody has put back as it was then.
  const isOwn = isOurs(view) && (row.form !== 'temporal' || row.isDefinedHere);
  const isChangedThere = !isOwn && view.seen !== row.seen;
  const outside = isChangedThere ? toOutside(view) : null;
  if (outside && (!row.isDefinedHere || outside.updatedAt > row.definedAt)) return { take: outside };
  const state = reconcileState(row, here, view);
  if (!isChangedThere) return { take: null, ...state };
  const told = "the change with Temporal's own tools is older than the one here, which counts";
  return { take: null, ...state, overruled: outside ? `${told}: ${outside.updatedAt.toISOString()}` : told };
}

/** Temporal does not tell when somebody paused it: where that was done here as well, it counts. */
function reconcileState(
  { seenPaused, seenNote }: ScheduleToPush,
  here: { readonly paused: boolean; readonly note: string },
  { paused, note }: ScheduleInView,
) {
  if (seenPaused === null) return { ...here, overruled: null };
  const isChangedHere = here.paused !== seenPaused || here.note !== seenNote;
  const isChangedThere = paused !== seenPaused || note !== seenNote;
  if (!isChangedThere) return { ...here, overruled: null };
  if (!isChangedHere) return { paused, note, overruled: null };
  const isSame = here.paused === paused && here.note === note;
  const told = `it was ${paused ? 'paused' : 'unpaused'} with Temporal's own tools, and here, which counts`;
  return { ...here, overruled: isSame ? null : told };
}
