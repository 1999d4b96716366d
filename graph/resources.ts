// The shapes that the API answers with: the store returns them, the API's replies are checked by them, the client's
// types are inferred from them. Times are ISO 8601 in UTC.
import { z } from 'zod';
import { jobKeySchema, projectNameSchema } from './definition.ts';
import { dropReasons, keepReasons, rerunReasons } from './resume.ts';
import { computedPendingReasons, RunState, storedGraphRunReasons, storedJobRunReasons } from './states.ts';

const time = z.iso.datetime();
const state = z.enum(RunState);

export const jobRunReasonSchema = z.enum([
  ...storedJobRunReasons.PENDING,
  ...computedPendingReasons,
  ...storedJobRunReasons.RUNNING,
  ...storedJobRunReasons.FAILED,
  ...storedJobRunReasons.SUCCESS,
]);

export const graphRunReasonSchema = z.enum([
  ...storedGraphRunReasons.PENDING,
  'queued',
  'paused',
  ...storedGraphRunReasons.RUNNING,
  ...storedGraphRunReasons.FAILED,
]);

export const runErrorSchema = z.object({
  type: z.string(),
  message: z.string(),
  code: z.string().optional(),
  stack: z.string().optional(),
  cause: z.string().optional(),
  data: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
  /** When the next attempt begins, where the error said so. */
  retryAt: time.optional(),
});

export const projectSchema = z.object({
  name: projectNameSchema,
  timezone: z.string(),
  /** Of its most recently created GraphRun; null before the first. */
  state: state.nullable(),
  /** Of the current graph; null before the first. */
  version: z.int().nullable(),
  createdAt: time,
  createdBy: z.string(),
  updatedAt: time,
  updatedBy: z.string(),
});
export type ProjectView = z.infer<typeof projectSchema>;

export const graphVersionSchema = z.object({
  version: z.int(),
  jobs: z.int(),
  hash: z.string(),
  createdAt: time,
  createdBy: z.string(),
});
export type GraphVersionView = z.infer<typeof graphVersionSchema>;

/** What a push changes, by job key. */
export const graphChangeSchema = z.object({
  added: z.array(z.string()),
  removed: z.array(z.string()),
  changed: z.array(z.string()),
});
export type GraphChange = z.infer<typeof graphChangeSchema>;

export const jobSchema = z.object({
  key: jobKeySchema,
  kind: z.string(),
  dependsOn: z.array(z.string()),
  outputs: z.array(z.string()),
  /** Of its most recently created JobRun; null before the first. */
  state: state.nullable(),
  reason: jobRunReasonSchema.nullable(),
  lastRunId: z.uuid().nullable(),
  lastRunAt: time.nullable(),
});
export type JobView = z.infer<typeof jobSchema>;

/** Who asked for something, when and why; null where nobody has. */
const askedSchema = z.object({ at: time, by: z.string(), note: z.string().nullable() }).nullable();
export type Asked = NonNullable<z.infer<typeof askedSchema>>;

export const jobRunSchema = z.object({
  id: z.uuid(),
  project: z.string(),
  job: z.string(),
  kind: z.string(),
  /** Null for a job that was run alone. */
  graphRunId: z.uuid().nullable(),
  state,
  reason: jobRunReasonSchema.nullable(),
  error: runErrorSchema.nullable(),
  epoch: z.int(),
  /** Kept as it ended in an earlier epoch of its run, when that was resumed or reset. */
  reused: z.boolean(),
  attempts: z.int(),
  /** Of this job by itself, in its current epoch. */
  cancelRequest: askedSchema,
  createdAt: time,
  createdBy: z.string(),
  startedAt: time.nullable(),
  completedAt: time.nullable(),
});
export type JobRunView = z.infer<typeof jobRunSchema>;

/** The Temporal workflow execution that carries out a run: its ids find it in the Temporal CLI and Web UI. */
export const taskSchema = z.object({
  workflowId: z.string(),
  runId: z.string(),
  epoch: z.int(),
  openedAt: time,
  closedAt: time.nullable(),
});
export type TaskView = z.infer<typeof taskSchema>;

export const jobRunDetailSchema = jobRunSchema.extend({
  /** Of a job that was run alone, with the defaults; null in a graph run, which has its own. */
  params: z.record(z.string(), z.unknown()).nullable(),
  /** JSON of its own kind's shape; null without one. */
  output: z.unknown(),
  outputBytes: z.int().nullable(),
  /** As done by hand, in its current epoch. */
  mark: askedSchema,
  /** What the mark gives to the jobs below; null without one. */
  markOutput: z.unknown(),
  tasks: z.array(taskSchema),
});
export type JobRunDetail = z.infer<typeof jobRunDetailSchema>;

export const attemptSchema = z.object({
  number: z.int(),
  epoch: z.int(),
  state,
  reason: jobRunReasonSchema.nullable(),
  error: runErrorSchema.nullable(),
  worker: z.string(),
  startedAt: time,
  completedAt: time.nullable(),
});
export type AttemptView = z.infer<typeof attemptSchema>;

export const runOriginSchema = z.enum(['api', 'temporal', 'schedule', 'after', 'backfill']);

export const graphRunSchema = z.object({
  id: z.uuid(),
  project: z.string(),
  /** The graph's version that the run is pinned to; null for an invalid run. */
  version: z.int().nullable(),
  state,
  reason: graphRunReasonSchema.nullable(),
  error: runErrorSchema.nullable(),
  params: z.record(z.string(), z.unknown()),
  select: z.array(z.string()).nullable(),
  /** Who made it: this API, something outside that started the workflow, a schedule, a run that this one follows, or a backfill. */
  origin: runOriginSchema,
  /** The run of another project whose success started this one. */
  afterRunId: z.uuid().nullable(),
  /** The name of the schedule that it is of; null for none. */
  schedule: z.string().nullable(),
  /** The time of the schedule that it is of, or at which that was triggered. */
  scheduledAt: time.nullable(),
  /** That it was made by; null for none. */
  backfillId: z.uuid().nullable(),
  epoch: z.int(),
  workflowId: z.string(),
  /** In its current epoch. */
  cancelRequest: askedSchema,
  /** Null while it goes on, and once it has ended. */
  pause: askedSchema,
  jobCounts: z.object({ PENDING: z.int(), RUNNING: z.int(), FAILED: z.int(), SUCCESS: z.int() }),
  createdAt: time,
  createdBy: z.string(),
  startedAt: time.nullable(),
  completedAt: time.nullable(),
});
export type GraphRunView = z.infer<typeof graphRunSchema>;

export const graphRunDetailSchema = graphRunSchema.extend({
  /** In topological order. */
  jobRuns: z.array(jobRunSchema),
  /** Those of its jobs that the graph does not have any more by which it goes on: they count as SUCCESS. */
  droppedJobs: z.array(z.string()),
  tasks: z.array(taskSchema),
});
export type GraphRunDetail = z.infer<typeof graphRunDetailSchema>;

/** What a resume would do, job by job: `hash` names this plan. */
export const resumePlanSchema = z.object({
  graphRunId: z.uuid(),
  /** That the run is at. */
  epoch: z.int(),
  /** Of the graph by which it goes on. */
  version: z.int(),
  /** Of the project's current graph, by which it would go on with `latest`. */
  latestVersion: z.int(),
  hash: z.string(),
  /** In topological order. */
  jobs: z.array(
    z.object({
      job: z.string(),
      action: z.enum(['rerun', 'keep', 'drop']),
      reasons: z
        .array(
          z.object({
            reason: z.enum([...rerunReasons, ...keepReasons, ...dropReasons]),
            /** Jobs above it that run again, or datasets and files that were replaced. */
            because: z.array(z.string()).readonly(),
          }),
        )
        .readonly(),
    }),
  ),
});
export type ResumePlanView = z.infer<typeof resumePlanSchema>;

export const fileSchema = z.object({
  name: z.string(),
  bytes: z.int(),
  sha256: z.string(),
  createdAt: time,
  createdBy: z.string(),
});
export type FileView = z.infer<typeof fileSchema>;

/** Numbers are in order of commit and without gaps. */
export const eventSchema = z.object({
  number: z.int(),
  at: time,
  /** `cancel`, `pause`, `unpause`, `retry`: that was asked for; `mark`: a job was done by hand. */
  type: z.enum([
    'project',
    'graph',
    'graph_run',
    'job_run',
    'cancel',
    'pause',
    'unpause',
    'retry',
    'mark',
    'schedule',
    /** Of one by its name, which begins the note. */
    'pool',
    'backfill',
    'watch',
  ]),
  /** Null where it is of the whole installation. */
  project: z.string().nullable(),
  graphRunId: z.uuid().nullable(),
  jobRunId: z.uuid().nullable(),
  job: z.string().nullable(),
  state: state.nullable(),
  reason: z.string().nullable(),
  epoch: z.int().nullable(),
  attempt: z.int().nullable(),
  actor: z.string(),
  /** Why the actor did it, in words of his own. */
  note: z.string().nullable(),
  /** The name of one. */
  schedule: z.string().nullable(),
  backfillId: z.uuid().nullable(),
});
export type EventView = z.infer<typeof eventSchema>;

export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  /** Stable: an entry of the error table. */
  code: z.string(),
  detail: z.string(),
  problems: z.array(z.object({ code: z.string(), path: z.string(), message: z.string() })).optional(),
  /** Facts of the message, for programs. */
  data: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
});
export type ProblemView = z.infer<typeof problemSchema>;

/** A page of a list; `nextCursor` is null on the last one. */
export function pageSchema<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}
export interface Page<Item> {
  readonly items: Item[];
  readonly nextCursor: string | null;
}

/** Oldest first. What is left out by a filter counts as read, so that a quiet filter does not fall behind the feed. */
export const eventPageSchema = pageSchema(eventSchema).extend({
  /** The feed was read up to this number: go on with `after` set to it. */
  readTo: z.int(),
});
export interface EventPage extends Page<EventView> {
  readonly readTo: number;
}
