/** How a job is run: what the workflow needs to know of it, all in plain numbers. */
export interface JobRules {
  readonly kind: string;
  readonly runIf: RunIf;
  readonly allowFailure: boolean;
  readonly timeoutMs: number;
  /** Over all attempts and what lies between them; absent where there is none. */
  readonly totalTimeoutMs?: number;
  readonly retry: RetryRules;
  /** Slots by pool; absent where it needs none. */
  readonly pools?: Readonly<Record<string, number>>;
  /** Among those that wait for one; absent where it is 0. */
  readonly priority?: number;
}

/** Temporal's words. */
export interface RetryRules {
  readonly maximumAttempts: number;
  readonly initialIntervalMs: number;
  readonly backoffCoefficient: number;
  readonly maximumIntervalMs: number;
  readonly nonRetryableErrors: readonly string[];
}

export const runIfRules = [
  'all_succeeded',
  'none_failed',
  'any_succeeded',
  'any_failed',
  'all_done',
] as const;
export type RunIf = (typeof runIfRules)[number];

/**
 * What a failed job means for the rest of its run: `continue` with independent branches; `stop`: start nothing new;
 * `cancel` what is in flight, too.
 */
export const onFailures = ['continue', 'stop', 'cancel'] as const;
export type OnFailure = (typeof onFailures)[number];

/** Runs of one project at once, unless its graph says otherwise. */
export const defaultMaxOpenRuns = 1;

export const defaultTimeoutMs = 24 * 3_600_000;

export const defaultRetry: RetryRules = {
  maximumAttempts: 3,
  initialIntervalMs: 1_000,
  backoffCoefficient: 2,
  maximumIntervalMs: 5 * 60_000,
  nonRetryableErrors: [],
};

/** Beat every second: a cancel reaches the job in under two, a dead worker costs under twenty (docs/architecture.md). */
export const heartbeat = { everyMs: 1_000, timeoutMs: 10_000 } as const;

/** How long code that was told to stop may clean up before its attempt ends without it. */
export const cleanUpMs = 10_000;
