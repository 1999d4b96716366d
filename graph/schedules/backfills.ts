// What the API is told of backfills, and answers.
import { z } from 'zod';
import { limits } from '../limits.ts';
import { noteSchema } from '../requests.ts';
import { RunState } from '../states.ts';
import { backfillFailures } from './backfill-state.ts';
import { scheduleTickSchema } from './resources.ts';

const time = z.iso.datetime();

/** A time with its offset, or what the clock of the schedule shows; readWindow reads it. */
const momentSchema = z.string().min(1).max(100);

export const backfillOrders = ['oldest', 'newest'] as const;
export type BackfillOrder = (typeof backfillOrders)[number];

export const backfillWindowSchema = z.strictObject({
  /** The first time: with its offset, or a date or a time on the schedule's clock. */
  from: momentSchema,
  /** The last time, likewise; a date is meant with all of its day. Now, unless given: times to come are the schedule's own. */
  to: momentSchema.optional(),
});

const atOnceSchema = z.int().min(1).max(limits.backfillRunsAtOnce);

export const newBackfillSchema = backfillWindowSchema.extend({
  order: z.enum(backfillOrders).optional(),
  /** How many of its runs may be open at once; 1 unless given. */
  atOnce: atOnceSchema.optional(),
  /** In place of those of the schedule that have the same names. */
  params: z.record(z.string(), z.unknown()).optional(),
  /** Times that have had a run get another one. */
  again: z.boolean().optional(),
  note: noteSchema.shape.note,
});
export type NewBackfillInput = z.input<typeof newBackfillSchema>;

export const cancelBackfillSchema = noteSchema.extend({
  /** Its open runs are cancelled, too. */
  running: z.boolean().optional(),
});

export const resumeBackfillSchema = noteSchema.extend({
  /** Its runs that have failed go on, too. */
  failed: z.boolean().optional(),
});

/** Times of its schedule: each is in one of `skipped`, `left` and the states of its run. */
const countsSchema = z.object({
  total: z.int(),
  /** Had a run before, and got none. */
  skipped: z.int(),
  /** Of these, those whose run has failed. */
  skippedFailed: z.int(),
  /** To come: no run yet, or one that was cancelled and is to go on. */
  left: z.int(),
  open: z.int(),
  success: z.int(),
  failed: z.int(),
  cancelled: z.int(),
});

export const backfillSchema = z.object({
  id: z.uuid(),
  project: z.string(),
  /** The name of its schedule. */
  schedule: z.string(),
  from: time,
  to: time,
  /** Of the schedule when it was made. */
  timezone: z.string(),
  order: z.enum(backfillOrders),
  atOnce: z.int(),
  /** How many of them the project runs at once: fewer than `atOnce` where `maxOpenRuns` of its graph is. */
  openMost: z.int(),
  again: z.boolean(),
  params: z.record(z.string(), z.unknown()),
  select: z.array(z.string()).nullable(),
  note: z.string().nullable(),
  state: z.enum(RunState),
  /** Why it has failed, or that it waits for the watch to make its first run. */
  reason: z.enum(['queued', ...backfillFailures]).nullable(),
  /** Why no run could be made, where that ended it; else null. */
  problem: z.string().nullable(),
  /** Who stopped it, when and why; null where nobody has. */
  stop: z.object({ at: time, by: z.string(), note: z.string().nullable() }).nullable(),
  counts: countsSchema,
  /** The time of the next run that is made for the first time; null when there is none. */
  nextSlot: time.nullable(),
  /** How long the rest takes, by how long its runs took so far, or else those before it; null when nothing tells. */
  estimateMs: z.int().nullable(),
  createdAt: time,
  createdBy: z.string(),
  /** When its last run had ended, or when it was stopped: then some of its runs may be open. */
  completedAt: time.nullable(),
});
export type BackfillView = z.infer<typeof backfillSchema>;

/** What a backfill would do. */
export const backfillPreviewSchema = z.object({
  from: time,
  to: time,
  timezone: z.string(),
  /** Times of the schedule in the window. */
  total: z.int(),
  /** Of these, times that have a run; `failed` of them have failed. They are skipped unless `again` is given. */
  ran: z.int(),
  failed: z.int(),
  /** How many runs it would make. */
  runs: z.int(),
  /** How many of them the project would run at once: fewer than `atOnce` where `maxOpenRuns` of its graph is. */
  openMost: z.int(),
  first: scheduleTickSchema.nullable(),
  last: scheduleTickSchema.nullable(),
  estimateMs: z.int().nullable(),
});
export type BackfillPreview = z.infer<typeof backfillPreviewSchema>;
