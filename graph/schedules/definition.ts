// A schedule as it is written. The expressions inside are looked into by read-schedule.ts.
import { z } from 'zod';
import { durationSchema, timezoneSchema } from '../definition.ts';
import { limits } from '../limits.ts';
import { catchUpPolicies, gapChoices, overlapPolicies, repeatChoices } from './policies.ts';

const scheduleNamePattern = /^[a-z][a-z0-9-]{0,39}$/;

export const scheduleNameSchema = z
  .string()
  .regex(
    scheduleNamePattern,
    'expected a schedule name: a lower-case letter, then up to 39 of a-z, 0-9 and -',
  );

/** A number, a field of a cron expression, or a list of both. */
const fieldSchema = z.union(
  [
    z.int(),
    z.string().max(200),
    z
      .array(z.union([z.int(), z.string().max(200)]))
      .min(1)
      .max(60),
  ],
  {
    error: 'expected a number, a text such as "mon-fri" or "*/15", or a list of these',
  },
);

export const calendarSchema = z.strictObject({
  month: fieldSchema.optional(),
  dayOfMonth: fieldSchema.optional(),
  dayOfWeek: fieldSchema.optional(),
  hour: fieldSchema.optional(),
  minute: fieldSchema.optional(),
});
export type WrittenCalendar = z.infer<typeof calendarSchema>;

const cronSchema = z.string({ error: 'expected a cron expression such as "30 2 * * *"' });

const instantSchema = z.iso.datetime({
  offset: true,
  error: 'expected a time with its offset, such as 2026-12-01T09:00:00+01:00 or 2026-12-01T08:00:00Z',
});

/** When it fires: `cron`, `interval` and `calendars` together, without what is excluded. */
const whenShape = {
  cron: z.union([cronSchema, z.array(cronSchema).min(1).max(limits.cronsPerSchedule)]).optional(),
  interval: z.strictObject({ every: durationSchema, offset: durationSchema.optional() }).optional(),
  calendars: z.array(calendarSchema).min(1).max(limits.cronsPerSchedule).optional(),
  exclude: z
    .strictObject({
      dates: z
        .array(z.iso.date({ error: 'expected a date such as 2026-12-25' }))
        .max(limits.excludedDatesPerSchedule)
        .optional(),
      calendars: z.array(calendarSchema).max(limits.cronsPerSchedule).optional(),
    })
    .optional(),
  /** The project's, unless given. */
  timezone: timezoneSchema.optional(),
  dst: z
    .strictObject({ gap: z.enum(gapChoices).optional(), overlap: z.enum(repeatChoices).optional() })
    .optional(),
  jitter: durationSchema.optional(),
  startAt: instantSchema.optional(),
  endAt: instantSchema.optional(),
  /** How many runs it makes in all. */
  limit: z.int().min(1).max(1_000_000_000).optional(),
};

export const scheduleDefinitionSchema = z.strictObject({
  ...whenShape,
  params: z.record(z.string(), z.unknown()).optional(),
  select: z.array(z.string().max(1_000)).max(1_000).optional(),
  overlap: z.enum(overlapPolicies).optional(),
  catchUp: z
    .strictObject({ missed: z.enum(catchUpPolicies).optional(), window: durationSchema.optional() })
    .optional(),
  pauseOnFailure: z.boolean().optional(),
});
export type ScheduleDefinition = z.infer<typeof scheduleDefinitionSchema>;
