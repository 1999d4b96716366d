// What the store can be asked and told: one named function per question. All answers are our own types.
import type { GraphDefinition } from '../graph/definition.ts';
import type { Graph, Params } from '../graph/graph.ts';
import type {
  Asked,
  AttemptView,
  GraphChange,
  GraphRunDetail,
  GraphRunView,
  GraphVersionView,
  JobRunDetail,
  JobRunView,
  JobView,
  Page,
  ProjectView,
  TaskView,
} from '../graph/resources.ts';
import type { RunState } from '../graph/states.ts';
import type { Runs } from './all-runs.ts';
import type { ApiKeys } from './api-keys.ts';
import type { Backfills } from './backfills.ts';
import type { Cancels } from './cancel-runs.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { Events } from './event-feed.ts';
import type { Execution } from './execution.ts';
import type { Files } from './files.ts';
import type { Housekeeping } from './housekeeping.ts';
import type { Leases } from './leases.ts';
import type { Marks } from './mark-jobs.ts';
import type { Metrics } from './metrics.ts';
import type { PastRuns } from './past-runs.ts';
import type { Pauses } from './pause-runs.ts';
import type { Pools } from './pools.ts';
import type { Recorder } from './recorder.ts';
import type { Resumes } from './resume-runs.ts';
import type { Retries } from './retry-jobs.ts';
import type { RunLine } from './run-line.ts';
import type { RunValues } from './run-values.ts';
import type { Schedules } from './schedules.ts';
import type { SlotWait } from './slot-waits.ts';
import type { Tombstones } from './tombstones.ts';
import type { Watching } from './watching.ts';

/** Where a page begins and how long it is. `cursor` is the `nextCursor` of the page before. */
export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** What a request was answered, as it was sent. */
export interface Answer {
  readonly status: number;
  /** The header that names what was made. */
  readonly location: string;
  /** JSON text. */
  readonly body: string;
}

/**
 * A request that is carried out once, however often it comes. Whoever takes one may throw `AnsweredBefore`, which holds
 * the answer that is kept, or CodedError IDEMPOTENCY_KEY_REUSED; then nothing was written.
 */
export interface Once<Made> {
  /** A key is of one actor; another's same key is another one. */
  readonly actor: string;
  readonly key: string;
  /** Equal for the repeats of one request. */
  readonly requestHash: string;
  /** Called in the transaction with what the request made: should it throw, nothing is made. */
  answer(made: Made): Answer;
}

export type Role = 'viewer' | 'editor' | 'admin';

export interface ApiKeyHolder {
  readonly name: string;
  readonly role: Role;
}

export interface NewProject {
  readonly name: string;
  readonly timezone: string;
  readonly actor: string;
}

export interface Projects {
  /** @throws CodedError PROJECT_EXISTS, PROJECT_BEING_DELETED */
  create(input: NewProject, once?: Once<ProjectView>): Promise<ProjectView>;
  /** @throws CodedError PROJECT_UNKNOWN */
  get(name: string): Promise<ProjectView>;
  list(page: PageRequest): Promise<Page<ProjectView>>;
  /** @throws CodedError PROJECT_UNKNOWN */
  update(name: string, change: { timezone: string; actor: string }): Promise<ProjectView>;
  /** Deletes it with its runs. @throws CodedError PROJECT_UNKNOWN, PROJECT_HAS_OPEN_RUNS */
  remove(name: string, actor: string): Promise<void>;
}

export interface GraphPush {
  readonly graph: Graph;
  readonly definition: GraphDefinition;
  readonly actor: string;
  /** Finds out what would change and stores nothing. */
  readonly dryRun?: boolean;
}

export interface Graphs {
  /**
   * Stores a validated graph as the project's next version; one equal to the current version makes none.
   * @throws CodedError PROJECT_UNKNOWN, GRAPH_INVALID
   */
  push(push: GraphPush): Promise<{ version: number; isNew: boolean; change: GraphChange }>;
  /** The current version. @throws CodedError PROJECT_UNKNOWN, GRAPH_UNKNOWN */
  current(
    project: string,
  ): Promise<{ version: number; hash: string; definition: GraphDefinition; graph: Graph }>;
  /** @throws CodedError PROJECT_UNKNOWN */
  versions(project: string, page: PageRequest): Promise<Page<GraphVersionView>>;
  /** A version never changes: kept in memory once read. @throws CodedError GRAPH_UNKNOWN */
  load(projectId: string, version: number): Promise<Graph>;
}

export interface Jobs {
  /** Jobs of the current graph in topological order, each with the state of its latest JobRun. @throws CodedError PROJECT_UNKNOWN */
  list(project: string): Promise<JobView[]>;
  /** @throws CodedError PROJECT_UNKNOWN, JOB_UNKNOWN */
  get(project: string, key: string): Promise<JobView>;
}

export interface NewGraphRun {
  readonly project: string;
  readonly params: Params;
  readonly select: readonly string[] | null;
  /** Of one that was triggered. */
  readonly schedule?: { readonly scheduleId: string; readonly scheduledAt: Date };
  readonly actor: string;
}

/** What the start of a run's workflow needs. */
export interface RunToStart {
  readonly id: string;
  readonly workflowId: string;
  readonly project: string;
}

export interface JobRunToStart extends RunToStart {
  readonly job: string;
}

export interface GraphRunFilter {
  readonly project?: string | undefined;
  readonly state?: RunState | undefined;
  readonly backfill?: string | undefined;
}

export interface GraphRuns {
  /**
   * Row first: the run and its JobRuns as PENDING, before any workflow is started. The run as it was created.
   * @throws CodedError PROJECT_UNKNOWN, GRAPH_UNKNOWN, SELECTION_INVALID, PARAMS_INVALID
   */
  create(run: NewGraphRun, once?: Once<GraphRunView>): Promise<GraphRunView>;
  list(filter: GraphRunFilter, page: PageRequest): Promise<Page<GraphRunView>>;
  /** @throws CodedError GRAPH_RUN_UNKNOWN */
  get(id: string): Promise<GraphRunDetail>;
  /**
   * Runs whose start nobody has seen: the oldest of each project, then the second of each, and so on. One that follows
   * another run has nobody else to start it, so that it is due at once.
   */
  unstarted(olderThan: Date, most: number): Promise<RunToStart[]>;
}

export interface NewJobRun {
  readonly project: string;
  readonly job: string;
  readonly params?: Params;
  readonly actor: string;
}

/** As it was created, with what its start needs. */
export type CreatedJobRun = JobRunDetail & JobRunToStart;

export interface JobRuns {
  /** A lone JobRun as PENDING. @throws CodedError PROJECT_UNKNOWN, GRAPH_UNKNOWN, JOB_UNKNOWN, PARAMS_INVALID */
  create(run: NewJobRun, once?: Once<CreatedJobRun>): Promise<CreatedJobRun>;
  /** @throws CodedError JOB_RUN_UNKNOWN */
  get(id: string): Promise<JobRunDetail>;
  /** Oldest first. @throws CodedError JOB_RUN_UNKNOWN */
  attempts(id: string): Promise<AttemptView[]>;
  /** Newest first. @throws CodedError PROJECT_UNKNOWN, JOB_UNKNOWN */
  listOfJob(project: string, job: string, page: PageRequest): Promise<Page<JobRunView>>;
  /** As of graph runs. */
  unstarted(olderThan: Date, most: number): Promise<JobRunToStart[]>;
}

/** What is stored of one run, in one moment: of a graph run with its jobs, or of a job that was run alone. */
export interface RunFacts {
  readonly type: 'graph_run' | 'job_run';
  readonly id: string;
  readonly project: string;
  readonly state: RunState;
  readonly reason: string | null;
  readonly epoch: number;
  readonly error: JobRunView['error'];
  /** Of the newest epoch, as the API starts it. */
  readonly workflowId: string;
  readonly createdAt: string;
  readonly cancelRequest: Asked | null;
  readonly pause: Asked | null;
  /** Null for an invalid run. */
  readonly pinned: { readonly projectId: string; readonly version: number } | null;
  /** Oldest first. */
  readonly tasks: readonly TaskView[];
  /** Of one that waits for other runs of its project. */
  readonly line?: RunLine;
  /** In topological order. */
  readonly jobs: readonly JobFacts[];
}

export interface JobFacts extends JobRunView {
  readonly outputHash: string | null;
  readonly cancelRequest: Asked | null;
  /** The graph's, that it ran by. */
  readonly version: number;
  /** Its attempts, for each execution that it was tried in; in no order. */
  readonly executions: readonly AttemptFacts[];
  /** Of one that waits for pools: what it asks of each. */
  readonly slotWaits?: readonly SlotWait[];
}

export interface AttemptFacts {
  readonly runId: string;
  /** How many began. */
  readonly attempts: number;
  /** How the last of them stands. */
  readonly state: RunState;
  readonly reason: string | null;
  /** Errors of the last two, the latest first: null for one that did not end by an error of its own. */
  readonly errors: readonly (string | null)[];
}

export interface RunListFilter {
  readonly project?: string | undefined;
  /** Created at or after this. */
  readonly since?: Date | undefined;
}

export interface StoredRun {
  readonly type: 'graph_run' | 'job_run';
  readonly id: string;
  readonly project: string;
  /** Of a job that was run alone. */
  readonly job: string | null;
  readonly state: RunState;
  readonly reason: string | null;
  readonly createdAt: string;
  /** Where a page goes on that ends with this run. */
  readonly cursor: string;
}

export interface Store {
  readonly projects: Projects;
  readonly graphs: Graphs;
  readonly jobs: Jobs;
  readonly graphRuns: GraphRuns;
  readonly jobRuns: JobRuns;
  readonly resumes: Resumes;
  readonly cancels: Cancels;
  readonly marks: Marks;
  readonly pauses: Pauses;
  readonly retries: Retries;
  readonly runs: Runs;
  readonly schedules: Schedules;
  readonly pastRuns: PastRuns;
  readonly backfills: Backfills;
  readonly files: Files;
  readonly apiKeys: ApiKeys;
  readonly pools: Pools;
  readonly checkpoints: Checkpoints;
  readonly events: Events;
  readonly metrics: Metrics;
  /** Of deleted projects. */
  readonly tombstones: Tombstones;
  readonly housekeeping: Housekeeping;
  readonly leases: Leases;
  /** What the workflows' bookkeeping writes. */
  readonly execution: Execution;
  /** What the watch asks and writes. */
  readonly watch: Watching;
  /** What the activity interceptor writes. */
  readonly recorder: Recorder;
  readonly values: RunValues;
  /** Resolves when the database answers and has the schema. @throws CodedError STORE_UNAVAILABLE */
  ping(): Promise<void>;
  close(): Promise<void>;
}
