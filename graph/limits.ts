/** Every limit of the model, by name; each is told in the error of what exceeds it. */
export const limits = {
  jobsPerGraph: 10_000,
  edgesPerGraph: 100_000,
  parentsPerJob: 100,
  definitionBytes: 4 * 1024 * 1024,
  paramsPerGraph: 100,
  paramSchemaBytes: 16 * 1024,
  /** Of a run, with the defaults. */
  paramsBytes: 64 * 1024,
  conditionChars: 4_000,
  /** Of what is filled into a config. */
  filledInChars: 1024 * 1024,
  planBytes: 1024 * 1024,
  outputBytes: 256 * 1024,
  /** Larger outputs are kept on the JobRun only and do not travel through Temporal. */
  outputBytesThroughTemporal: 2 * 1024,
  checkpointBytes: 64 * 1024,
  /** Expressions of a schedule, and its calendars. */
  cronsPerSchedule: 20,
  excludedDatesPerSchedule: 366,
  /** Of a schedule whose times Temporal is given one by one: 250 KB or so. */
  calendarsInTemporal: 500,
  schedulesPerProject: 1_000,
  scheduleTicksDefault: 10,
  scheduleTicksMax: 1_000,
  /** Of a simulation of a schedule. */
  simulatedDays: 800,
  simulatedTimes: 100_000,
  clockEffectsShown: 100,
  slotsPerBackfill: 10_000,
  backfillRunsAtOnce: 100,
  /** That are not done, of a project. */
  openBackfills: 100,
  jobsInFlightDefault: 100,
  pools: 200,
  poolSlots: 10_000,
  poolsPerJob: 10,
  /** What `maxOpenRuns` may be. */
  openRunsPerProject: 10_000,
  /** Of one execution: at either it starts nothing more, and goes on in a new one once nothing is in flight. */
  historyEvents: 40_000,
  historyBytes: 30 * 1024 * 1024,
  errorMessageChars: 4_000,
  /** How long an error may ask to wait before the next attempt. */
  retryAfterMs: 3_600_000,
  problemsShown: 100,
  fileBytes: 5 * 1024 * 1024 * 1024,
  /** Events that are older leave the feed. */
  eventsKeptDays: 30,
  /** Why somebody did something. */
  noteChars: 500,
  pageItemsDefault: 50,
  pageItemsMax: 500,
  idempotencyKeyChars: 255,
  /** How long an answer is kept for the repeats of its request. */
  idempotencyKeyHours: 24,
  /** Each costs a history. */
  verificationsPageDefault: 20,
  verificationsPageMax: 50,
  /** Jobs that are told of each reason; all are counted. */
  explainedJobsPerReason: 100,
  explainedUpstream: 10,
  /** Who holds a pool's slots. */
  explainedHolders: 5,
} as const;
