// What comes of holding a run against Temporal: how its rows compare with the history, and why it is not done yet. The
// API's replies are checked by these schemas, the client's types are inferred from them.
import { z } from 'zod';
import { RunState } from './states.ts';

const time = z.iso.datetime();
const state = z.enum(RunState);
const runType = z.enum(['graph_run', 'job_run']);

/** One fact that rows and history tell differently. */
const differenceSchema = z.object({
  /** Null for the run itself. */
  job: z.string().nullable(),
  /** `execution`: Temporal has another one in the place of the run's newest Task. */
  fact: z.enum(['state', 'reason', 'output', 'attempts', 'error', 'order', 'execution']),
  row: z.string().nullable(),
  history: z.string().nullable(),
});
export type Difference = z.infer<typeof differenceSchema>;

export const verificationSchema = z.object({
  verdict: z.enum(['equal', 'different', 'unprovable']),
  /** Why it is unprovable; else null. */
  why: z.string().nullable(),
  differences: z.array(differenceSchema),
  /** Differences that the protocol allows, each with why. */
  explained: z.array(differenceSchema.extend({ why: z.string() })),
  /** Events of the history that was read. */
  events: z.int(),
});
export type Verification = z.infer<typeof verificationSchema>;

/** A run of the list of verifications. */
export const verifiedRunSchema = z.object({
  type: runType,
  id: z.uuid(),
  project: z.string(),
  /** Of a job that was run alone. */
  job: z.string().nullable(),
  state,
  reason: z.string().nullable(),
  createdAt: time,
  verification: verificationSchema,
});
export type VerifiedRun = z.infer<typeof verifiedRunSchema>;

/** A page may hold fewer than its limit: one that takes long ends early, and `nextCursor` goes on from there. */
export const verificationsSchema = z.object({
  items: z.array(verifiedRunSchema),
  nextCursor: z.string().nullable(),
  /** How many runs there are on all pages; told with the first. */
  total: z.int().nullable(),
});
export type Verifications = z.infer<typeof verificationsSchema>;

/**
 * Why a job is not done; those that need somebody come first. Beside the reasons of docs/states.md stand what only Temporal
 * knows: `no_worker` nobody polls its task queue, `running`, `stopping` was told to stop, `settling` has ended in Temporal
 * and its end is being written.
 */
export const waitReasons = [
  'no_worker',
  'paused',
  'retry',
  'stopping',
  'settling',
  'queued',
  'running',
  'external',
  'slot',
  'window',
  'upstream',
] as const;
export type WaitReason = (typeof waitReasons)[number];

const waitingJobSchema = z.object({
  job: z.string(),
  jobRunId: z.uuid(),
  state,
  reason: z.enum(waitReasons),
  message: z.string(),
  /** The first of the jobs above it that are not final. */
  waitsFor: z.array(z.string()),
  waitsForCount: z.int(),
  /** How many attempts began, over all epochs. */
  attempt: z.int(),
  /** When the attempt that runs began, or the pause. */
  since: time.nullable(),
  nextAttemptAt: time.nullable(),
  lastError: z.object({ type: z.string(), message: z.string() }).nullable(),
  /** Of the attempt that runs, or of the last one. */
  worker: z.string().nullable(),
  /** Null where the attempt that runs has sent none yet. */
  lastHeartbeatAt: time.nullable(),
});
export type WaitingJob = z.infer<typeof waitingJobSchema>;

const queueSchema = z.object({
  taskQueue: z.string(),
  kind: z.enum(['workflow', 'activity']),
  /** Workers that polled it in the last minute. */
  pollers: z.int(),
  /** Of all that are still known. */
  lastPollAt: time.nullable(),
  /** Tasks that wait in it, about; null where the server does not tell. */
  backlog: z.int().nullable(),
});
export type QueueView = z.infer<typeof queueSchema>;

export const explanationSchema = z.object({
  run: z.object({
    /** A job of a graph run is explained with that run. */
    type: runType,
    id: z.uuid(),
    project: z.string(),
    state,
    /**
     * One of docs/states.md, or `not_started` (Temporal has no workflow of it yet), `no_worker`, `cancelling` (somebody has
     * cancelled it, and that is under way), `catching_up` (Temporal has ended or reset it, and the rows follow).
     */
    reason: z.string().nullable(),
    /** What to do about it, where something is to be done. */
    message: z.string(),
  }),
  /** False when Temporal did not answer: then all is told from the rows alone. */
  temporalAnswered: z.boolean(),
  /** Unfinished jobs by reason, those that need somebody first: all are counted, and the first of each are in `jobs`. */
  waiting: z.array(z.object({ reason: z.enum(waitReasons), jobs: z.int() })),
  jobs: z.array(waitingJobSchema),
  /** The task queues that the run depends on. */
  queues: z.array(queueSchema),
});
export type Explanation = z.infer<typeof explanationSchema>;
