// Keeps schedules and Temporal's Schedules equal, both ways. It runs by itself, so that a Schedule that does not answer holds up
// no turn of the watch.
import { beginScheduleTenure, type MirrorOptions, mirrorSchedules } from './mirror-schedules.ts';
import { type PushDependencies, pushSchedules } from './push-schedules.ts';

export type ScheduleKeepingOptions = PushDependencies & Omit<MirrorOptions, 'signal'>;

export interface ScheduleKeeping {
  /** Begins a round where none is under way. */
  tend(): void;
  /** Resolves when the round that is under way, if any, has ended. */
  stop(): Promise<void>;
}

export function createScheduleKeeping(options: ScheduleKeepingOptions): ScheduleKeeping {
  const tenure = beginScheduleTenure();
  const stopping = new AbortController();
  const { signal } = stopping;
  let round: Promise<void> | undefined;
  return {
    tend: () => {
      if (signal.aborted) return;
      round ??= pushSchedules({ ...options, signal })
        .then(() => mirrorSchedules({ ...options, signal }, tenure))
        .catch((error: unknown) => {
          if (!signal.aborted) options.onError(error);
        })
        .finally(() => {
          round = undefined;
        });
    },
    stop: async () => {
      stopping.abort();
      await round;
    },
  };
}
