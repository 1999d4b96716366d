// What the API answers of what a schedule would do.
import { z } from 'zod';
import { timezoneSchema } from '../definition.ts';
import { overlapPolicies } from './policies.ts';

const time = z.iso.datetime();
const count = z.int();

/** What the overlap policy would make of the times, if each run took as long. */
const overlapPredictionSchema = z.object({
  durationMs: z.int(),
  runs: count,
  /** Times at which an earlier run of the schedule is still open, or waits. */
  overlaps: count,
  /** Of these, times that make no run. */
  skipped: count,
  /** Of these, times whose run begins later. */
  buffered: count,
  /** Runs that are cancelled or terminated for a later one. */
  ended: count,
  openAtOnceMax: count,
  /** From a time to the begin of its run. */
  waitMaxMs: z.int(),
});

export const scheduleSimulationSchema = z.object({
  timezone: timezoneSchema,
  from: time,
  until: time,
  /** It ends earlier than was asked for: more times than the limit. */
  isCut: z.boolean(),
  /** At which it fires: as the preview has them, without one that is skipped. */
  times: count,
  /** As its `limit` lets it make, before overlaps. */
  runs: count,
  /** The first of those with as many times; null without any. */
  busiestDay: z.object({ date: z.iso.date(), times: count }).nullable(),
  /** What changes of the clock do in all that was asked for, in order, as far as the limit. */
  clockEffects: z.array(
    z.object({
      /**
       * `shifted`, `skipped`: the time that is written does not exist on its day, and fires later, or not; `once`, `doubled`: it
       * comes twice, and fires once, or each time.
       */
      effect: z.enum(['shifted', 'skipped', 'once', 'doubled']),
      /** As it is written, on the clock of its zone. */
      local: z.string(),
      /** When it fires. */
      at: z.array(time),
    }),
  ),
  overlap: z.enum(overlapPolicies),
  /** How long runs of the schedule took that have ended, or those of the project; null where none has. */
  durations: z
    .object({ of: z.enum(['schedule', 'project']), runs: count, medianMs: z.int(), p95Ms: z.int() })
    .nullable(),
  /** By the median of these, and by what 19 of 20 took at most. */
  predicted: z.object({ median: overlapPredictionSchema, p95: overlapPredictionSchema }).nullable(),
});
export type ScheduleSimulation = z.infer<typeof scheduleSimulationSchema>;
