// The bodies that the API is sent.
import { z } from 'zod';
import { jobKeySchema, projectNameSchema, timezoneSchema } from './definition.ts';
import { limits } from './limits.ts';

export const createProjectSchema = z.strictObject({
  name: projectNameSchema,
  timezone: timezoneSchema.optional(),
});

const resumeChoice = {
  /** Only these jobs run again, with all downstream; else all that failed or were not reached. */
  from: z.array(jobKeySchema).min(1).max(1_000).optional(),
  /** By the project's current graph, in place of the one that the run is pinned to. */
  latest: z.boolean().optional(),
};
export const planResumeSchema = z.strictObject(resumeChoice);
export const resumeRunSchema = z.strictObject({
  ...resumeChoice,
  /** The `hash` of the plan that is to be applied; it is refused if that has changed. */
  plan: z.string().max(100).optional(),
});

export const startJobRunSchema = z.strictObject({ params: z.record(z.string(), z.unknown()).optional() });

export const startRunSchema = z.strictObject({
  params: z.record(z.string(), z.unknown()).optional(),
  select: z.array(z.string().min(1).max(1_000)).max(1_000).optional(),
});

/** Why somebody cancels, pauses or unpauses. */
export const noteSchema = z.strictObject({ note: z.string().min(1).max(limits.noteChars).optional() });

/** What somebody did by hand in the place of a job. */
export const markJobSchema = z.strictObject({
  note: noteSchema.shape.note.unwrap(),
  /** JSON, for the jobs below it; left out: that of an earlier mark, else none. */
  output: z.unknown().optional(),
});

/** Of what needs no more than its URL. */
export const emptyBodySchema = z.strictObject({});
