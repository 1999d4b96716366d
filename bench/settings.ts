/** What both variants run with; printed with the numbers. */
export const settings = {
  taskQueue: 'graphrun',
  bareTaskQueue: 'bare',
  /** As worker/main.ts has it. */
  jobsAtOnce: 50,
  /** Durable, as `npm start` has it; the time of each commit is kept, so that it can be asked for afterwards. */
  postgres: { track_commit_timestamp: 'on' },
} as const;
