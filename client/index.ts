import { createBackfills } from './backfills.ts';
import { createEvents } from './events.ts';
import { createFiles } from './files.ts';
import { createGraphs } from './graphs.ts';
import { type ClientSettings, createHttp } from './http.ts';
import { createJobs } from './jobs.ts';
import { createPools } from './pools.ts';
import { createProjects } from './projects.ts';
import { createGraphRuns, createJobRuns } from './runs.ts';
import { createSchedules } from './schedules.ts';
import { createVerifications } from './verifications.ts';

export type * from '../graph/inspections.ts';
export type { PoolView } from '../graph/pools.ts';
export type * from '../graph/resources.ts';
export type { BackfillPreview, BackfillView } from '../graph/schedules/backfills.ts';
export type { SchedulePreview, ScheduleTick, ScheduleView } from '../graph/schedules/resources.ts';
export type { ScheduleSimulation } from '../graph/schedules/simulations.ts';
export type {
  BackfillFilter,
  BackfillWindow,
  CancelBackfillOptions,
  NewBackfill,
  ResumeBackfillOptions,
} from './backfills.ts';
export { GraphrunError, type InputProblem, isPassing, ServerUnreachable } from './errors.ts';
export type { EventFilter, EventPageOptions, FollowOptions } from './events.ts';
export type { UploadContent, UploadOptions } from './files.ts';
export type { CurrentGraph, PushedGraph } from './graphs.ts';
export type { ClientSettings } from './http.ts';
export type { OnceOptions } from './idempotency.ts';
export type { PageOptions } from './pages.ts';
export type { MarkOptions, NoteOptions, ResumeChoice, ResumeOptions, RunFilter, RunOptions } from './runs.ts';
export type { NewSchedule, PauseOptions, ScheduleChange } from './schedules.ts';
export type { VerificationFilter } from './verifications.ts';

/** Whether the server and what it needs answer. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<'database' | 'temporal', 'up' | 'down'>>;
}

/**
 * A client of a Graphrun server: all that its API can do. Every method rejects with a `GraphrunError` when the server
 * refuses or fails, and with a `ServerUnreachable` when none answers.
 */
export function createClient(settings: ClientSettings) {
  const http = createHttp(settings);
  return {
    url: settings.url,
    projects: createProjects(http),
    graphs: createGraphs(http),
    jobs: createJobs(http),
    files: createFiles(http),
    graphRuns: createGraphRuns(http),
    jobRuns: createJobRuns(http),
    schedules: createSchedules(http),
    backfills: createBackfills(http),
    pools: createPools(http),
    events: createEvents(http),
    verifications: createVerifications(http),
    ready: () => http.request<Readiness>({ method: 'GET', path: ['health', 'ready'], alsoAnswers: [503] }),
  };
}

export type Client = ReturnType<typeof createClient>;
