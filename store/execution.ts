// What the bookkeeping activities of a workflow write: taking a run, settling jobs that no attempt could tell of, ending.
import type { Params } from '../graph/graph.ts';
import type { KeptJobs, Plan } from '../graph/plan.ts';
import type { JobRules } from '../graph/rules.ts';
import type { GraphEnd, JobEnd, JobFailure } from '../graph/states.ts';
import type { RunError, ToldEnd } from '../graph/transitions.ts';
import type { Fired } from './admit-slots.ts';
import { type Adopted, type Adoption, adoptRun, begunOfRun, epochOfRun } from './adopt-runs.ts';
import {
  type AskedForSlots,
  type AskForSlots,
  askForSlots,
  type HeldSlots,
  holdsSlots,
} from './ask-for-slots.ts';
import { closeGraphRun, closeGraphRuns, closeJobRun } from './close-runs.ts';
import type { Database } from './database.ts';
import { endTask } from './end-tasks.ts';
import type { Epochs } from './epochs.ts';
import { gatherCalls } from './gatherer.ts';
import type { GraphCache } from './graph-cache.ts';
import { type Handover, handOver } from './hand-over.ts';
import { type OpenKnownRun, openKnownRuns } from './open-known-runs.ts';
import { openGraphRun, openJobRun } from './open-runs.ts';
import { rejectGraphRun } from './outside-runs.ts';
import { settleJobs } from './settle-jobs.ts';
import { afterShutOut, begunAmong, begunOfTask, type ShutOutAttempts } from './shut-out.ts';
import { readKnownTasks } from './tasks.ts';

/** A workflow execution, in the server's own words. */
export interface Execution {
  openGraphRun(request: OpenGraphRun): Promise<OpenedGraphRun>;
  /** Keeps a row of a run whose input says too little to open it; false where it is there. */
  rejectGraphRun(request: RejectGraphRun): Promise<boolean>;
  openJobRun(request: OpenJobRun): Promise<OpenedJobRun>;
  /**
   * Ends jobs, in one transaction; answers with what is recorded of each, which may be another end than was asked for: a
   * recorded SUCCESS stays, and what has published has succeeded.
   */
  settle(request: Settle, shutOut: ShutOutAttempts): Promise<SettledEnd[]>;
  /** Slots of pools for jobs that are ready; each is told once it has all that it needs. */
  askForSlots(request: AskForSlots): Promise<AskedForSlots>;
  /** Whether a job run has the slots of these pools, as far as they are there. */
  holdsSlots(held: HeldSlots): Promise<boolean>;
  /** Ends the run and its Task; what `settle` names is settled with it. */
  closeGraphRun(request: CloseGraphRun, shutOut: ShutOutAttempts): Promise<GraphEnd>;
  closeJobRun(request: CloseJobRun, shutOut: ShutOutAttempts): Promise<void>;
  /** Makes an execution that nobody knows the run's open Task, at the next epoch. Adopting it twice changes nothing. */
  adopt(adoption: Adoption, shutOut: ShutOutAttempts): Promise<Adopted>;
  /** Makes an execution the run's open Task in place of the one that it goes on from, at the same epoch. */
  handOver(handover: Handover): Promise<boolean>;
  /** The epoch of the run that a workflow carries out; null where there is none. */
  epochOf(identity: WorkflowIdentity): Promise<number | null>;
  /** The Tasks among these run ids that are known. */
  knownTasks(runIds: readonly string[]): Promise<KnownTask[]>;
  /** Ends what an execution left open when it was ended from outside. */
  endTask(request: EndTask, shutOut: ShutOutAttempts): Promise<boolean>;
}

export interface KnownTask {
  readonly runId: string;
  readonly isOpen: boolean;
}

export interface EndTask {
  readonly runId: string;
  readonly end: GraphEnd;
  readonly error: RunError | null;
  /** What the history tells of jobs, by job key. */
  readonly jobs: ReadonlyMap<string, ToldEnd>;
  /** How all other open jobs end. */
  readonly rest: JobFailure;
  readonly actor: string;
}

export interface WorkflowIdentity {
  readonly workflowId: string;
  readonly runId: string;
  readonly firstExecutionRunId: string;
}

export interface OpenGraphRun {
  readonly identity: WorkflowIdentity;
  /** Read out of the workflow id, when it is one of ours. */
  readonly known: { readonly graphRunId: string; readonly epoch: number } | null;
  /** The execution that this one goes on from; its reset tells the same, and is another's. */
  readonly continuedFrom?: string;
  readonly project: string;
  readonly params: Params;
  readonly select: readonly string[] | null;
  /** Of one that a schedule has started. */
  readonly scheduled?: Fired;
  readonly actor: string;
}

export interface RejectGraphRun {
  readonly identity: WorkflowIdentity;
  /** As far as the input named one. */
  readonly project: string;
  readonly message: string;
  readonly actor: string;
  /** Whose run it is, where that is another than who makes its row. */
  readonly createdBy?: string;
}

export type OpenedGraphRun =
  | {
      readonly outcome: 'opened';
      readonly graphRunId: string;
      readonly projectId: string;
      readonly project: string;
      readonly version: number;
      readonly plan: Plan;
      /** Jobs that do not run again, where this is not the first epoch of the run. */
      readonly kept?: KeptJobs;
      /** Jobs that have asked for slots of pools, by position; absent where none needs any, and in old histories. */
      readonly asked?: readonly number[];
      /** Where it was ever paused. */
      readonly pause?: KnownPause;
    }
  /** A time of a schedule that makes no run. */
  | { readonly outcome: 'dropped'; readonly message: string }
  | NotOpened;

/** Whether a run is paused, as its workflow is told: of two the one with the higher number counts. */
export interface KnownPause {
  readonly number: number;
  readonly paused: boolean;
}

/** `lost`: another execution carries out the run, or it has ended. `invalid`: it cannot be run, and its row says why. */
export type NotOpened =
  | { readonly outcome: 'lost'; readonly message: string }
  | { readonly outcome: 'invalid'; readonly message: string };

export interface OpenJobRun {
  readonly identity: WorkflowIdentity;
  readonly known: { readonly jobRunId: string; readonly epoch: number } | null;
  readonly project: string;
  readonly job: string;
  readonly params: Params;
  readonly actor: string;
}

export type OpenedJobRun =
  | {
      readonly outcome: 'opened';
      readonly jobRunId: string;
      readonly projectId: string;
      readonly project: string;
      readonly version: number;
      readonly rules: JobRules;
    }
  | NotOpened;

export interface JobToSettle extends ToldEnd {
  readonly jobRunId: string;
  /** Leaves a job as it is of which no attempt has begun in this execution. */
  readonly ifBegun?: boolean;
}

export interface Settle {
  readonly runId: string;
  readonly jobs: readonly JobToSettle[];
  readonly actor: string;
}

export interface SettledEnd {
  readonly jobRunId: string;
  /** Null for a job that was left as it is: it may be given to another worker. */
  readonly end: JobEnd | null;
}

export interface CloseGraphRun {
  readonly runId: string;
  readonly end: GraphEnd;
  readonly error: RunError | null;
  readonly settle: readonly JobToSettle[];
  readonly actor: string;
}

export interface CloseJobRun {
  readonly runId: string;
  readonly end: JobEnd;
  readonly error: RunError | null;
  readonly actor: string;
}

export function createExecution(database: Database, cache: GraphCache, epochs: Epochs): Execution {
  const openKnown = gatherCalls((requests: readonly OpenKnownRun[]) =>
    openKnownRuns(database.pool, cache, requests),
  );
  const close = gatherCalls((requests: readonly CloseGraphRun[]) => closeGraphRuns(database, requests));
  return {
    openGraphRun: async (request) => {
      const { known } = request;
      const opened = known && (await openKnown({ ...request, known }));
      if (!opened) return openGraphRun(database, cache, request);
      epochs.note(request.identity.runId, known.epoch);
      return opened;
    },
    rejectGraphRun: (request) => rejectGraphRun(database, request),
    openJobRun: (request) => openJobRun(database, cache, request),
    settle: (request, shutOut) =>
      afterShutOut(
        database,
        shutOut,
        (client) => begunAmong(client, request.runId, idsOf(request.jobs)),
        (client, shut) => settleJobs(client, request, shut),
      ),
    askForSlots: (request) => askForSlots(database, cache, request),
    holdsSlots: (held) => holdsSlots(database.pool, held),
    closeGraphRun: (request, shutOut) =>
      request.settle.length === 0
        ? close(request)
        : afterShutOut(
            database,
            shutOut,
            (client) => begunAmong(client, request.runId, idsOf(request.settle)),
            (client, shut) => closeGraphRun(client, request, shut),
          ),
    closeJobRun: (request, shutOut) =>
      afterShutOut(
        database,
        shutOut,
        (client) => begunOfTask(client, request.runId),
        (client, shut) => closeJobRun(client, request, shut),
      ),
    adopt: (adoption, shutOut) =>
      afterShutOut(
        database,
        shutOut,
        (client) => begunOfRun(client, adoption),
        (client, shut) => adoptRun(client, cache, adoption, shut),
      ),
    handOver: (handover) => database.transaction((client) => handOver(client, handover)),
    epochOf: (identity) => epochOfRun(database.pool, identity),
    knownTasks: (runIds) => readKnownTasks(database.pool, runIds),
    endTask: (request, shutOut) =>
      afterShutOut(
        database,
        shutOut,
        (client) => begunOfTask(client, request.runId),
        (client, shut) => endTask(client, request, shut),
      ),
  };
}

function idsOf(jobs: readonly JobToSettle[]): string[] {
  return jobs.map(({ jobRunId }) => jobRunId);
}
