// What the API is told of schedules, and answers.
import { z } from 'zod';
import { noteSchema } from '../requests.ts';
import { runOriginSchema } from '../resources.ts';
import { scheduleDefinitionSchema, scheduleNameSchema } from './definition.ts';

const time = z.iso.datetime();

export const scheduleSchema = z.object({
  project: z.string(),
  name: z.string(),
  /** Of the Schedule in Temporal. */
  temporalId: z.string(),
  /** As it was written. */
  definition: scheduleDefinitionSchema.extend({ timezone: z.string().optional() }),
  /** Its own, or else the project's; as the server has it where it was made there, which may be none that Node knows. */
  timezone: z.string(),
  paused: z.boolean(),
  /** Why it was paused, or unpaused. */
  note: z.string().nullable(),
  /** When it fires next, before any jitter; null where it does not, such as while it is paused, or only Temporal can tell. */
  nextAt: time.nullable(),
  /** It fires no more, since its times are over or its limit of runs is used up: when it last fired or was changed; else null. */
  endedAt: time.nullable(),
  /** The next time was skipped: it makes no run; else null. */
  skipAt: time.nullable(),
  origin: runOriginSchema,
  /**
   * How Temporal has its times: as they were written, one by one in UTC, or by what was written there with its own tools;
   * null while it has none.
   */
  form: z.enum(['plain', 'utc', 'temporal']).nullable(),
  /** What was written there: then `definition` has no times. Else null. */
  temporalSpec: z.record(z.string(), z.unknown()).nullable(),
  /** Temporal has its last change. */
  isApplied: z.boolean(),
  /** Why Temporal has not, when that was tried; else null. */
  problem: z.string().nullable(),
  createdAt: time,
  createdBy: z.string(),
  updatedAt: time,
  updatedBy: z.string(),
});
export type ScheduleView = z.infer<typeof scheduleSchema>;

/** What a new one has beside its definition. */
export const scheduleHeadSchema = z.object({
  name: scheduleNameSchema,
  paused: z.boolean().optional(),
  note: noteSchema.shape.note,
});

export const newScheduleSchema = scheduleDefinitionSchema.extend(scheduleHeadSchema.shape);
export type NewScheduleInput = z.input<typeof newScheduleSchema>;

/** A time at which it fires, before any jitter. */
export const scheduleTickSchema = z.object({
  at: time,
  /** On the clock of its time zone, with the distance to UTC. */
  local: z.string(),
  /** The clock is changed on this day: the time that is written does not exist, or comes twice. */
  dst: z.enum(['gap', 'overlap']).nullable(),
});
export type ScheduleTick = z.infer<typeof scheduleTickSchema>;

export const schedulePreviewSchema = z.object({
  /** As the server has it where the schedule was made there. */
  timezone: z.string(),
  /** Whose reading it is: of a schedule that was made or changed with Temporal's own tools, Temporal's. */
  readBy: z.enum(['graphrun', 'temporal']),
  items: z.array(scheduleTickSchema),
});
export type SchedulePreview = z.infer<typeof schedulePreviewSchema>;
