import type { ScheduleToPush } from '../../store/schedule-pushes.ts';
import { beginScheduleTenure, mirrorSchedules } from '../../watch/schedules/mirror-schedules.ts';
import { type Push, pushSchedule } from '../../watch/schedules/push-schedule.ts';
import { pushOne } from '../../watch/schedules/push-schedules.ts';
import { createTemporalSchedules } from '../../watch/schedules/temporal-schedules.ts';
import { isTemporalError } from '../../watch/temporal-errors.ts';
import type { Engine } from './engine.ts';
import { until } from './until.ts';

export interface Scheduling {
  /** Tells Temporal of a schedule, as the API does. */
  push(name: string): Promise<void>;
  /** One look of the watch at all schedules. */
  look(): Promise<void>;
  readonly starter: {
    pushSchedule(schedule: ScheduleToPush): Promise<Push>;
    removeSchedule(temporalId: string): Promise<void>;
  };
}

/** What the watch does with the schedules of one project, step by step; over the client of the engine. */
export function createScheduling(engine: Engine, project: string): Scheduling {
  const { store, client, taskQueue, temporal } = engine;
  const schedules = createTemporalSchedules({ client, taskQueue, within: (call) => call() });
  const starter: Scheduling['starter'] = {
    pushSchedule: (schedule) => pushSchedule(schedules, schedule, Date.now()),
    removeSchedule: (temporalId) => schedules.remove(temporalId),
  };
  /** False where the server has left a question unanswered. */
  const lookOnce = async (): Promise<boolean> => {
    const errors: unknown[] = [];
    const onError = (error: unknown) => errors.push(error);
    const { signal } = new AbortController();
    await mirrorSchedules({ store, temporal, taskQueue, signal, onError }, beginScheduleTenure());
    for (const error of errors) if (!isTemporalError(error)) throw error;
    return errors.length === 0;
  };
  return {
    push: async (name) => pushOne({ store, starter }, (await store.schedules.idOf(project, name)) ?? ''),
    look: async () => {
      await until(async () => (await lookOnce()) || undefined, 'the schedules were looked at');
    },
    starter,
  };
}
