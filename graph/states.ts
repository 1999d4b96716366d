/** The four states of a JobRun and of a GraphRun, and the reasons that go with them (docs/states.md). */
export const RunState = {
  PENDING: 'PENDING',
  RUNNING: 'RUNNING',
  FAILED: 'FAILED',
  SUCCESS: 'SUCCESS',
} as const;
export type RunState = (typeof RunState)[keyof typeof RunState];

export type FinalState = 'FAILED' | 'SUCCESS';

export function isFinal(state: RunState): state is FinalState {
  return state === 'FAILED' || state === 'SUCCESS';
}

/** Reasons that a row may carry. A database constraint repeats this table; a test holds the two equal. */
export const storedJobRunReasons = {
  PENDING: ['slot', 'retry'],
  RUNNING: ['external'],
  FAILED: ['error', 'timed_out', 'cancelled', 'terminated', 'upstream_failed', 'lost'],
  SUCCESS: ['up_to_date', 'skipped', 'marked'],
} as const;

/** Reasons that no code is running to write: they are computed on read. */
export const computedPendingReasons = ['upstream', 'window', 'queued', 'paused'] as const;

export const storedGraphRunReasons = {
  PENDING: ['slot', 'gate'],
  RUNNING: ['stuck'],
  FAILED: [
    'job_failed',
    'cancelled',
    'terminated',
    'timed_out',
    'invalid',
    'start_failed',
    'gate_timed_out',
    'lost',
  ],
  SUCCESS: [],
} as const;

export type JobFailure = (typeof storedJobRunReasons.FAILED)[number];
export type JobSuccess = (typeof storedJobRunReasons.SUCCESS)[number];
export type GraphFailure = (typeof storedGraphRunReasons.FAILED)[number];

export type JobRunReason = {
  [S in RunState]: (typeof storedJobRunReasons)[S][number];
}[RunState];

/** How a JobRun ended. */
export type JobEnd =
  | { readonly state: 'SUCCESS'; readonly reason: JobSuccess | null }
  | { readonly state: 'FAILED'; readonly reason: JobFailure };

/** How a GraphRun ended. */
export type GraphEnd =
  | { readonly state: 'SUCCESS'; readonly reason: null }
  | { readonly state: 'FAILED'; readonly reason: GraphFailure };
