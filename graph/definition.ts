import { z } from 'zod';
import { durationLimitsMs, durationPattern, parseDurationMs } from './durations.ts';
import { limits } from './limits.ts';
import { isReservedProjectName, jobKeyPattern, poolNamePattern, projectNamePattern } from './names.ts';
import { defaultRetry, defaultTimeoutMs, type JobRules, onFailures, runIfRules } from './rules.ts';
import { whyNoTimezone } from './timezone-names.ts';

export const projectNameSchema = z
  .string()
  .regex(projectNamePattern, 'expected a project name: a lower-case letter, then up to 39 of a-z, 0-9 and -')
  .refine((name) => !isReservedProjectName(name), 'this name is reserved; choose another');

export const jobKeySchema = z
  .string()
  .regex(jobKeyPattern, 'expected a job key: a lower-case letter, then up to 62 of a-z, 0-9 and _');

export const poolNameSchema = z
  .string()
  .regex(poolNamePattern, 'expected a pool name: a lower-case letter, then up to 62 of a-z, 0-9, _ and -');

export const poolSlotsSchema = z.int().min(1).max(limits.poolSlots);

export const timezoneSchema = z
  .string()
  .max(64, { abort: true })
  .refine((name) => whyNoTimezone(name) === undefined, {
    error: ({ input }) => whyNoTimezone(String(input)),
  });

/** A JSON Schema (2020-12) for each parameter; params.ts looks into them. */
export const paramSchemasSchema = z.record(z.string(), z.record(z.string(), z.unknown()));

export const durationSchema = z
  .string()
  .regex(durationPattern, { error: 'expected a duration such as 500ms, 10s, 5m, 6h or 2d', abort: true })
  .refine(isDurationInRange, 'expected a duration from 1ms to 365d');

export const onFailureSchema = z.enum(onFailures);

/** Of one project at once; further ones wait. */
export const maxOpenRunsSchema = z.int().min(1).max(limits.openRunsPerProject);

const retrySchema = z
  .strictObject({
    maximumAttempts: z.int().min(1).max(1_000).optional(),
    initialInterval: durationSchema.optional(),
    backoffCoefficient: z.number().min(1).max(100).optional(),
    maximumInterval: durationSchema.optional(),
    nonRetryableErrors: z.array(z.string().min(1).max(200)).max(50).optional(),
  })
  .refine(
    ({ initialInterval, maximumInterval }) =>
      maximumInterval === undefined ||
      (milliseconds(maximumInterval) ?? 0) >=
        (milliseconds(initialInterval) ?? defaultRetry.initialIntervalMs),
    { path: ['maximumInterval'], message: 'expected it to be at least initialInterval (1s unless given)' },
  );

const poolsSchema = z
  .record(poolNameSchema, poolSlotsSchema)
  .refine((pools) => Object.keys(pools).length <= limits.poolsPerJob, {
    message: `expected at most ${limits.poolsPerJob} pools`,
  });

export const jobDefinitionSchema = z
  .strictObject({
    kind: z.string().min(1).max(63),
    config: z.record(z.string(), z.unknown()).optional(),
    dependsOn: z.array(z.string().max(63)).max(limits.parentsPerJob).optional(),
    runIf: z.enum(runIfRules).optional(),
    /** In CEL, over `params` and `outputs`; condition.ts looks into it. */
    when: z.string().min(1).optional(),
    allowFailure: z.boolean().optional(),
    timeout: durationSchema.optional(),
    totalTimeout: durationSchema.optional(),
    retry: retrySchema.optional(),
    /** Slots by pool: all of them at once, before it is given to a worker. */
    pools: poolsSchema.optional(),
    /** Among those that wait for a pool: the higher goes first. */
    priority: z.int().min(-1_000).max(1_000).optional(),
  })
  .refine(({ pools, priority }) => priority === undefined || pools !== undefined, {
    path: ['priority'],
    message: 'it orders jobs that wait for a pool: expected pools beside it',
  })
  .refine(isTotalEnough, {
    path: ['totalTimeout'],
    message: 'expected it to be at least timeout, which is of one attempt',
  });
export type JobDefinition = z.infer<typeof jobDefinitionSchema>;

/** A graph as it is written, in TypeScript, JSON or YAML. The kinds' own schemas check `config` (validate.ts). */
export const graphDefinitionSchema = z.strictObject({
  project: projectNameSchema,
  timezone: timezoneSchema.optional(),
  params: paramSchemasSchema.optional(),
  onFailure: onFailureSchema.optional(),
  timeout: durationSchema.optional(),
  maxOpenRuns: maxOpenRunsSchema.optional(),
  /** The name of a project: each graph run of it that succeeds starts one of this graph. */
  after: projectNameSchema.optional(),
  jobs: z.record(z.string(), jobDefinitionSchema),
});
export type GraphDefinition = z.infer<typeof graphDefinitionSchema>;

function isTotalEnough(job: {
  readonly timeout?: string | undefined;
  readonly totalTimeout?: string | undefined;
}) {
  const [one, all] = [milliseconds(job.timeout), milliseconds(job.totalTimeout)];
  return one === undefined || all === undefined || all >= one;
}

/** A job's rules with every default filled in. */
export function rulesOf(job: JobDefinition): JobRules {
  const { retry } = job;
  const totalTimeoutMs = milliseconds(job.totalTimeout);
  const initialIntervalMs = milliseconds(retry?.initialInterval) ?? defaultRetry.initialIntervalMs;
  return {
    kind: job.kind,
    runIf: job.runIf ?? 'all_succeeded',
    allowFailure: job.allowFailure ?? false,
    timeoutMs: milliseconds(job.timeout) ?? defaultTimeoutMs,
    ...(totalTimeoutMs !== undefined && { totalTimeoutMs }),
    ...(hasPools(job) && { pools: job.pools, ...(job.priority !== undefined && { priority: job.priority }) }),
    retry: {
      maximumAttempts: retry?.maximumAttempts ?? defaultRetry.maximumAttempts,
      initialIntervalMs,
      backoffCoefficient: retry?.backoffCoefficient ?? defaultRetry.backoffCoefficient,
      maximumIntervalMs:
        milliseconds(retry?.maximumInterval) ?? Math.max(defaultRetry.maximumIntervalMs, initialIntervalMs),
      nonRetryableErrors: retry?.nonRetryableErrors ?? defaultRetry.nonRetryableErrors,
    },
  };
}

function hasPools<Job extends JobDefinition>(job: Job): job is Job & { pools: Record<string, number> } {
  return Object.keys(job.pools ?? {}).length > 0;
}

export function milliseconds(duration: string | undefined): number | undefined {
  return duration === undefined ? undefined : parseDurationMs(duration);
}

function isDurationInRange(text: string): boolean {
  const ms = parseDurationMs(text) ?? 0;
  return ms >= durationLimitsMs.min && ms <= durationLimitsMs.max;
}
