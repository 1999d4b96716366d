import type { MirroredSchedule } from '../../store/mirror-schedules.ts';
import type { Store } from '../../store/store.ts';
import { toOutside } from './outside-schedule.ts';
import { isOurs, type ScheduleInView } from './schedule-view.ts';

export interface MirrorDependencies {
  readonly store: Pick<Store, 'schedules'>;
  readonly taskQueue: string;
}

/** The row of a schedule follows what Temporal has of it. False where it has none, and is to have none. */
export async function mirrorView(
  { store: { schedules }, taskQueue }: MirrorDependencies,
  row: MirroredSchedule | undefined,
  view: ScheduleInView,
): Promise<boolean> {
  if (!row) {
    // One that was deleted, put there again by one who was late.
    if (isOurs(view) && (await schedules.removeAgain(view.temporalId))) return true;
    const outside = view.taskQueue === taskQueue ? toOutside(view) : null;
    return outside !== null && schedules.madeOutside(outside);
  }
  // A change here that Temporal has not got yet is given to it as it is.
  if (row.pushedRevision !== row.revision) return true;
  if (row.seen !== view.seen && row.form !== 'temporal' && isOurs(view)) {
    // An older state of it, by one who was late: what is stored is given to Temporal again.
    await schedules.pushAgain(row);
  } else if (row.seen !== view.seen) {
    const outside = toOutside(view);
    if (outside) await schedules.changedOutside(row, { ...outside, project: row.project });
  } else if (row.paused !== view.paused || (row.note ?? '') !== view.note) {
    await schedules.pausedOutside(row, view);
  } else if (row.endedAt?.getTime() !== view.end?.at.getTime()) {
    await schedules.ended(row, view.end);
  }
  return true;
}
