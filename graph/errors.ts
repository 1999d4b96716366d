/**
 * The one table of coded errors: HTTP status and title of each. A code is never reused or renamed, since clients
 * branch on it.
 */
export const errorTable = {
  REQUEST_INVALID: { status: 400, title: 'The request is not valid' },
  JSON_INVALID: { status: 400, title: 'The body is not valid JSON' },
  CURSOR_INVALID: { status: 400, title: 'The cursor is not valid' },
  UNAUTHENTICATED: { status: 401, title: 'An API key is needed' },
  FORBIDDEN: { status: 403, title: 'The API key may not do this' },
  ROUTE_UNKNOWN: { status: 404, title: 'There is no such route' },
  PROJECT_UNKNOWN: { status: 404, title: 'There is no such project' },
  GRAPH_UNKNOWN: { status: 404, title: 'The project has no graph yet' },
  JOB_UNKNOWN: { status: 404, title: 'There is no such job' },
  GRAPH_RUN_UNKNOWN: { status: 404, title: 'There is no such graph run' },
  JOB_RUN_UNKNOWN: { status: 404, title: 'There is no such job run' },
  DATASET_UNKNOWN: { status: 404, title: 'There is no such dataset' },
  SCHEDULE_UNKNOWN: { status: 404, title: 'There is no such schedule' },
  BACKFILL_UNKNOWN: { status: 404, title: 'There is no such backfill' },
  POOL_UNKNOWN: { status: 404, title: 'There is no such pool' },
  FILE_UNKNOWN: { status: 404, title: 'There is no such file' },
  PROJECT_EXISTS: { status: 409, title: 'The project exists already' },
  SCHEDULE_HAS_NO_NEXT: { status: 409, title: 'The schedule has no next time' },
  SCHEDULE_UNREADABLE: { status: 409, title: 'Only Temporal reads the times of the schedule' },
  BACKFILL_IS_OPEN: { status: 409, title: 'The backfill goes on' },
  BACKFILL_HAS_ENDED: { status: 409, title: 'The backfill has ended' },
  BACKFILL_IS_DONE: { status: 409, title: 'Nothing of the backfill is left to run' },
  SCHEDULE_EXISTS: { status: 409, title: 'The schedule exists already' },
  PROJECT_BEING_DELETED: { status: 409, title: 'An earlier project of that name is still being deleted' },
  PROJECT_HAS_OPEN_RUNS: { status: 409, title: 'The project has runs that have not ended' },
  RUN_IS_OPEN: { status: 409, title: 'The run has not ended' },
  RUN_INVALID: { status: 409, title: 'The run was not valid' },
  PLAN_OUTDATED: { status: 409, title: 'The plan has changed since it was made' },
  NOTHING_TO_RESUME: { status: 409, title: 'No job of the run would run again' },
  PROJECT_MISMATCH: { status: 409, title: 'The definition belongs to another project' },
  RUN_HAS_ENDED: { status: 409, title: 'The run has ended' },
  JOB_NOT_WAITING: { status: 409, title: 'The job does not wait for its next attempt' },
  JOB_NOT_FAILED: { status: 409, title: 'The job has not failed' },
  JOB_RUN_ALONE: { status: 409, title: 'The job was run alone' },
  JOB_RUN_IN_GRAPH_RUN: { status: 409, title: 'The job run is part of a graph run' },
  POOL_IN_USE: { status: 409, title: 'The pool is in use' },
  TOO_MANY_POOLS: { status: 409, title: 'There are too many pools' },
  TOO_MANY_SCHEDULES: { status: 409, title: 'The project has too many schedules' },
  TOO_MANY_BACKFILLS: { status: 409, title: 'The project has too many backfills' },
  EVENTS_EXPIRED: { status: 410, title: 'The events are not kept any more' },
  DIGEST_MISMATCH: { status: 400, title: 'The content does not match its checksum' },
  LENGTH_MISMATCH: { status: 400, title: 'The content does not match its length' },
  BODY_TOO_LARGE: { status: 413, title: 'The body is too large' },
  MEDIA_TYPE_UNSUPPORTED: { status: 415, title: 'The content type is not supported' },
  GRAPH_INVALID: { status: 422, title: 'The graph is not valid' },
  SCHEDULE_INVALID: { status: 422, title: 'The schedule is not valid' },
  BACKFILL_INVALID: { status: 422, title: 'The backfill is not valid' },
  SELECTION_INVALID: { status: 422, title: 'The selection is not valid' },
  PARAMS_INVALID: { status: 422, title: 'The parameters are not valid' },
  IDEMPOTENCY_KEY_REUSED: { status: 422, title: 'The key was used for another request' },
  RATE_LIMITED: { status: 429, title: 'Too many requests' },
  INTERNAL: { status: 500, title: 'Something broke in Graphrun' },
  STORE_UNAVAILABLE: { status: 503, title: 'The metadata database cannot be reached' },
  WAREHOUSE_UNAVAILABLE: { status: 503, title: 'The warehouse cannot be reached' },
  TEMPORAL_UNAVAILABLE: { status: 503, title: 'Temporal cannot be reached' },
  SHUTTING_DOWN: { status: 503, title: 'The server is stopping' },

  CONFIG_INVALID: { status: 500, title: 'The configuration is not valid' },

  JOB_KIND_UNREGISTERED: { status: 422, title: 'This worker does not have the job kind' },
  JOB_CONFIG_INVALID: { status: 422, title: 'The config of the job is not valid' },
  CONDITION_FAILED: { status: 422, title: 'The condition of the job could not be told' },
  FILE_MISSING: { status: 422, title: 'The file was not uploaded' },
  CSV_INVALID: { status: 422, title: 'The CSV file is not valid' },
  SQL_INVALID: { status: 422, title: 'The SQL was refused by the warehouse' },
  DATASET_IN_USE: { status: 422, title: 'The dataset cannot be replaced while views use it' },
  OUTPUT_INVALID: { status: 422, title: 'The output of the job is not what its kind declares' },
  OUTPUT_TOO_LARGE: { status: 422, title: 'The output of the job is too large' },
  CHECKPOINT_INVALID: { status: 422, title: 'The checkpoint of the job is not JSON' },
  CHECKPOINT_TOO_LARGE: { status: 422, title: 'The checkpoint of the job is too large' },
  JOB_TIMED_OUT: { status: 504, title: 'The job took longer than its timeout' },
  JOB_ENDS_WORKERS: { status: 422, title: 'The job ends the workers that run it' },
  WORKER_STOPPED: { status: 503, title: 'The worker was stopped before the job ended' },
  SUPERSEDED: { status: 409, title: 'A newer attempt has taken over' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof errorTable;

/** What can be wrong inside an input that is refused as a whole: the codes of its problems. */
export const problemCodes = [
  'SHAPE_INVALID',
  'NAME_INVALID',
  'PROJECT_UNKNOWN',
  'KEY_DUPLICATE',
  'LIMIT_EXCEEDED',
  'JOB_KIND_UNKNOWN',
  'JOB_CONFIG_INVALID',
  'DEPENDENCY_UNKNOWN',
  'DATASET_UNKNOWN',
  'DATASET_TWO_WRITERS',
  'GRAPH_CYCLE',
  'SELECTOR_UNKNOWN',
  'PARAM_UNKNOWN',
  'PARAM_MISSING',
  'PARAM_INVALID',
  'PARAM_SCHEMA_INVALID',
  'TEMPLATE_INVALID',
  'CONDITION_INVALID',
  'POOL_UNKNOWN',
  'POOL_TOO_SMALL',
  'CONFIG_INVALID',
  'CRON_INVALID',
] as const;
export type ProblemCode = (typeof problemCodes)[number];

/** One thing that is wrong with an input: where (a JSON pointer), what was read, what was expected. */
export interface Problem {
  readonly code: ProblemCode;
  /** JSON pointer into the input, for example `/jobs/busiest/dependsOn/0`; empty for the whole of it. */
  readonly path: string;
  readonly message: string;
}

export interface CodedErrorOptions {
  readonly problems?: readonly Problem[];
  readonly cause?: unknown;
  /** Small facts beside the message, such as the SQLSTATE or the line: JSON values. */
  readonly data?: Readonly<Record<string, string | number | boolean | null>>;
  /** The next attempt of the job begins after this time, whatever its `retry` says; at most an hour is waited. */
  readonly retryAfterMs?: number | undefined;
}

/** An error whose code is in the table. `message` says what was read, where, what was expected and what to do. */
export class CodedError extends Error {
  readonly code: ErrorCode;
  readonly problems: readonly Problem[];
  readonly data: Readonly<Record<string, string | number | boolean | null>>;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CodedError';
    this.code = code;
    this.problems = options.problems ?? [];
    this.data = options.data ?? {};
    this.retryAfterMs = options.retryAfterMs;
  }

  get status(): number {
    return errorTable[this.code].status;
  }
}

/**
 * What a job kind throws where whoever it asks says when to ask again, as an HTTP server does by `Retry-After`. The next
 * attempt begins then, in place of after the job's own back-off; at most an hour is waited.
 */
export class RetryLater extends Error {
  readonly retryAfterMs: number;

  constructor(message: string, options: { readonly retryAfterMs: number; readonly cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'RetryLater';
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The first message on one line, with how many more there are: for logs and exceptions that show only one. */
export function summarizeProblems(problems: readonly Problem[]): string {
  const [first, ...rest] = problems;
  if (!first) return 'no problems';
  const place = first.path === '' ? '' : `${first.path}: `;
  return `${place}${first.message}${rest.length > 0 ? ` (and ${rest.length} more)` : ''}`;
}
