// Tells Temporal of schedules: at once when they are changed here, and again by the watch until it has heard.
import { CodedError } from '../../graph/errors.ts';
import type { Store } from '../../store/store.ts';
import type { Starter } from '../starter.ts';
import { workThrough } from '../work-through.ts';

export interface PushDependencies {
  readonly store: Pick<Store, 'schedules'>;
  readonly starter: Pick<Starter, 'pushSchedule'>;
}

export interface PushSchedulesOptions extends PushDependencies {
  readonly signal: AbortSignal;
  readonly onError: (error: unknown) => void;
}

const pushesPerTurn = 100;
const pushesAtOnce = 10;

/** Tells of all that are due. While Temporal is away it gives up early, and the next turn tries again. */
export async function pushSchedules(options: PushSchedulesOptions): Promise<void> {
  const { store, signal, onError } = options;
  const items = await store.schedules.due(pushesPerTurn);
  const work = (id: string) => pushOne(options, id);
  await workThrough({ items, atOnce: pushesAtOnce, signal, work, onError }).catch(() => {});
}

/** @throws what keeps Temporal from taking it; it is kept with the schedule, and tried again */
export async function pushOne({ store, starter }: PushDependencies, id: string): Promise<void> {
  const schedule = await store.schedules.claim(id);
  if (!schedule) return;
  try {
    await store.schedules.pushed(schedule, await starter.pushSchedule(schedule));
  } catch (error) {
    const problem =
      error instanceof CodedError ? error.message : 'something broke in Graphrun; its log has the cause';
    await store.schedules.postpone(schedule, problem);
    throw error;
  }
}
