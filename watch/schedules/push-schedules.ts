// Tells Temporal of schedules: at once when they are changed here, and again by the watch until it has heard.
import { CodedError } from '../../graph/errors.ts';
import type { ScheduleToPush } from '../../store/schedule-pushes.ts';
import type { Store } from '../../store/store.ts';
import type { Starter } from '../starter.ts';
import { refusalOf } from '../temporal-errors.ts';
import { workThrough } from '../work-through.ts';
import type { Push } from './push-schedule.ts';

export interface PushDependencies {
  readonly store: Pick<Store, 'schedules'>;
  readonly starter: Pick<Starter, 'pushSchedule' | 'removeSchedule'>;
}

export interface PushSchedulesOptions extends PushDependencies {
  readonly signal: AbortSignal;
  readonly onError: (error: unknown) => void;
}

const pushesPerTurn = 100;
const pushesAtOnce = 10;
const triesMax = 3;

/** Tells of all that are due. While Temporal is away it gives up early, and the next turn tries again. */
export async function pushSchedules(options: PushSchedulesOptions): Promise<void> {
  const { store, signal, onError } = options;
  const items = await store.schedules.due(pushesPerTurn);
  const work = (id: string) => pushOne(options, id);
  await workThrough({ items, atOnce: pushesAtOnce, signal, work, onError }).catch(() => {});
}

/** @throws what keeps Temporal from taking it; it is kept with the schedule, and tried again */
export async function pushOne(dependencies: PushDependencies, id: string): Promise<void> {
  // A newer change of Temporal's comes first, and then what is left to tell.
  for (let tries = 0; tries < triesMax; tries += 1) {
    const schedule = await dependencies.store.schedules.claim(id);
    if (!schedule || (await pushClaimed(dependencies, schedule)) !== 'outdated') return;
  }
}

async function pushClaimed(
  { store: { schedules }, starter }: PushDependencies,
  schedule: ScheduleToPush,
): Promise<Push['outcome']> {
  try {
    const push = await starter.pushSchedule(schedule);
    if (push.outcome === 'outdated') await schedules.outdated(schedule, push.schedule);
    else if (push.outcome === 'missing') await schedules.release(schedule);
    else if (push.outcome === 'contended' || push.outcome === 'lost') {
      await schedules.postpone(schedule, untold[push.outcome]);
    } else {
      const kept = await schedules.pushed(schedule, push.outcome === 'put' ? push.pushed : null);
      // Its project was deleted meanwhile, and nobody else knows of it.
      if (kept === 'gone') await starter.removeSchedule(schedule.temporalId);
    }
    return push.outcome;
  } catch (error) {
    await schedules.postpone(schedule, problemOf(error));
    throw error;
  }
}

function problemOf(error: unknown): string {
  const refusal = refusalOf(error);
  if (refusal !== undefined) return `Temporal refuses it: ${refusal}`;
  return error instanceof CodedError ? error.message : 'something broke in Graphrun; its log has the cause';
}

/** Why Temporal was not told. */
const untold = {
  contended:
    'each time that Temporal was told, something else had just been done to the schedule with its own tools; it is tried again',
  lost:
    'Temporal has lost its data, or is another one, and the times of the schedule, which were written with its own tools, ' +
    'stood there alone: make it there again, or give it times here',
} as const;
