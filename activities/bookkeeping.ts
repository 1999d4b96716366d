// What a workflow asks to be written of itself. Every function may run again with the same outcome.
import { Context } from '@temporalio/activity';
import { CodedError } from '../graph/errors.ts';
import { readGraphRunInput, readJobRunInput } from '../graph/run-inputs.ts';
import type { GraphEnd, JobEnd } from '../graph/states.ts';
import type { RunError } from '../graph/transitions.ts';
import { readWorkflowId } from '../graph/workflow-ids.ts';
import type {
  JobToSettle,
  KnownPause,
  OpenedGraphRun,
  OpenedJobRun,
  OpenGraphRun,
  WorkflowIdentity,
} from '../store/execution.ts';
import { jobRunIdOf } from '../store/index.ts';
import type { PauseByHand } from '../store/pause-runs.ts';
import type { Dependencies } from './dependencies.ts';
import { encodeOutput } from './encode-output.ts';

export interface OpenInput {
  /** The workflow's argument as it was given, perhaps by hand. */
  readonly input: unknown;
  readonly firstExecutionRunId: string;
  /** The execution that this one goes on from. */
  readonly continuedFrom?: string;
  /** Of one that a schedule has started. */
  readonly scheduled?: FiredInput;
}

/** In Temporal's words, with times as they are encoded. */
export interface FiredInput {
  readonly by: string;
  readonly at: string;
  readonly startedAt: string;
}

/** Jobs of a graph run by key; a lone one by its own id. */
export interface EndedJob {
  readonly job: string;
  readonly end: JobEnd;
  readonly error: RunError | null;
  /** Of a success that no attempt could record. */
  readonly output?: unknown;
  /** Only if an attempt has begun; else the answer is null. */
  readonly ifBegun?: boolean;
}

export interface SettleInput {
  readonly graphRunId: string;
  readonly jobs: readonly EndedJob[];
}

export interface SettleLoneInput extends Omit<EndedJob, 'job'> {
  readonly jobRunId: string;
}

/** Jobs of a graph run by key; or the job of a lone job run, by the id of that. */
export interface AskForSlotsInput {
  readonly of: { readonly graphRunId: string } | { readonly jobRunId: string };
  readonly jobs: readonly string[];
}

export interface SlotsAnswer {
  /** They may begin. */
  readonly granted: readonly string[];
  readonly waiting: readonly { readonly job: string; readonly number: number }[];
}

export interface CloseGraphRunInput {
  readonly graphRunId: string;
  readonly end: GraphEnd;
  readonly error: RunError | null;
  readonly settle: readonly EndedJob[];
}

export interface CloseJobRunInput {
  readonly end: JobEnd;
  readonly error: RunError | null;
}

type BookkeepingDependencies = Pick<Dependencies, 'store' | 'warehouse' | 'adopt' | 'lookAtSchedule'>;

export function createBookkeeping(deps: BookkeepingDependencies) {
  return { ...createSlotAsking(deps), ...createRunKeeping(deps) };
}

function createSlotAsking(deps: BookkeepingDependencies) {
  return {
    /** Those that wait are told by a signal, each by the number of its request; null where another execution has the run. */
    async askForSlots({ of, jobs }: AskForSlotsInput): Promise<SlotsAnswer | null> {
      await takeOver(deps);
      const idOf = (job: string) => ('jobRunId' in of ? of.jobRunId : jobRunIdOf(of.graphRunId, job));
      const asked = await deps.store.execution.askForSlots({ ...own(), jobRunIds: jobs.map(idOf) });
      if (asked.outcome === 'lost') return null;
      return {
        granted: jobs.filter((job) => !asked.waiting.has(idOf(job))),
        waiting: jobs.flatMap((job) => {
          const number = asked.waiting.get(idOf(job));
          return number === undefined ? [] : [{ job, number }];
        }),
      };
    },
  };
}

function createRunKeeping(deps: BookkeepingDependencies) {
  const { store, adopt } = deps;
  const { shutOut } = deps.warehouse;
  return {
    ...createPauseNotes(deps),
    /** The workflow's first activity: takes the run, or tells why not. */
    async openGraphRun({ input, firstExecutionRunId, ...more }: OpenInput): Promise<OpenedGraphRun> {
      const read = readGraphRunInput(input);
      const identity = identify(firstExecutionRunId);
      const named = readWorkflowId(identity.workflowId);
      const known = named?.type === 'graph-run' ? { graphRunId: named.id, epoch: named.epoch } : null;
      const actor = actorOf(identity);
      if (!read.ok) {
        const { message, project } = read;
        if (!known) await store.execution.rejectGraphRun({ identity, project, message, actor });
        return { outcome: 'invalid', message };
      }
      const { project, params = {}, select = null, graphRunId } = read.input;
      if (graphRunId !== undefined && graphRunId !== known?.graphRunId) {
        return {
          outcome: 'invalid',
          message: `graphRunId ${graphRunId} is not that of the workflow id ${identity.workflowId}`,
        };
      }
      const request = { identity, known, project, params, select, actor, ...readOrigin(more) };
      await lookBefore(deps, request);
      return openOrAdopt(adopt, identity, () => store.execution.openGraphRun(request));
    },

    async openJobRun({ input, firstExecutionRunId }: OpenInput): Promise<OpenedJobRun> {
      const read = readJobRunInput(input);
      const identity = identify(firstExecutionRunId);
      const named = readWorkflowId(identity.workflowId);
      const known = named?.type === 'job-run' ? { jobRunId: named.id, epoch: named.epoch } : null;
      if (!read.ok) return { outcome: 'invalid', message: read.message };
      const { project, job, params = {}, jobRunId } = read.input;
      if (jobRunId !== undefined && jobRunId !== known?.jobRunId) {
        return {
          outcome: 'invalid',
          message: `jobRunId ${jobRunId} is not that of the workflow id ${identity.workflowId}`,
        };
      }
      const request = { identity, known, project, job, params, actor: actorOf(identity) };
      return openOrAdopt(adopt, identity, () => store.execution.openJobRun(request));
    },

    /** Ends jobs that no attempt could tell of; answers in their order with what is recorded, or null for those left open. */
    async settle({ graphRunId, jobs }: SettleInput): Promise<(JobEnd | null)[]> {
      await takeOver(deps);
      const told = jobs.map((job) => toSettle(jobRunIdOf(graphRunId, job.job), job));
      const ends = await store.execution.settle({ ...own(), jobs: told }, shutOut);
      return ends.map(({ end }) => end);
    },

    async settleLone({ jobRunId, ...ended }: SettleLoneInput): Promise<(JobEnd | null)[]> {
      await takeOver(deps);
      const ends = await store.execution.settle({ ...own(), jobs: [toSettle(jobRunId, ended)] }, shutOut);
      return ends.map((settled) => settled.end);
    },

    async closeGraphRun({ graphRunId, end, error, settle }: CloseGraphRunInput): Promise<GraphEnd> {
      const jobs = settle.map((job) => toSettle(jobRunIdOf(graphRunId, job.job), job));
      return store.execution.closeGraphRun({ ...own(), end, error, settle: jobs }, shutOut);
    },

    async closeJobRun({ end, error }: CloseJobRunInput): Promise<void> {
      await store.execution.closeJobRun({ ...own(), end, error }, shutOut);
    },
  };
}

function createPauseNotes(deps: BookkeepingDependencies) {
  return {
    /** Keeps a pause or unpause that was sent to the workflow by hand; answers with what counts. */
    async notePause(byHand: Omit<PauseByHand, 'runId'>): Promise<KnownPause> {
      await takeOver(deps);
      return deps.store.pauses.note({ ...byHand, runId: own().runId });
    },
  };
}

/**
 * An execution that a reset made may settle jobs before any attempt or the watch has met it: nobody would write what it
 * tells, and it would go on as if it were written.
 */
async function takeOver({ store, adopt }: BookkeepingDependencies): Promise<void> {
  const execution = identify('');
  if ((await store.recorder.epochOf(execution.runId)) === undefined) await adopt(execution);
}

/** One that goes on from another execution was admitted with that. */
async function lookBefore(
  { lookAtSchedule }: BookkeepingDependencies,
  { identity, known, scheduled, continuedFrom }: OpenGraphRun,
): Promise<void> {
  if (!scheduled || known || continuedFrom !== undefined) return;
  await lookAtSchedule({ temporalId: scheduled.by, identity });
}

/** A reset to the very beginning opens its run anew: under a run id that nobody knows yet. */
async function openOrAdopt<Opened extends { readonly outcome: string }>(
  adopt: Dependencies['adopt'],
  identity: WorkflowIdentity,
  open: () => Promise<Opened>,
): Promise<Opened> {
  const opened = await open();
  if (opened.outcome !== 'lost' || !(await adopt(identity))) return opened;
  return open();
}

export type Bookkeeping = ReturnType<typeof createBookkeeping>;

/** What else started it: the execution before it, or a schedule. */
function readOrigin({ continuedFrom, scheduled }: Pick<OpenInput, 'continuedFrom' | 'scheduled'>) {
  if (!scheduled) return continuedFrom === undefined ? {} : { continuedFrom };
  const { by, at, startedAt } = scheduled;
  const fired = { by, at: new Date(at), startedAt: new Date(startedAt) };
  return { ...(continuedFrom !== undefined && { continuedFrom }), scheduled: fired };
}

/** An output from outside may be more than can be kept; the workflow has it, but the job has failed then. */
function toSettle(jobRunId: string, ended: Omit<EndedJob, 'job'>): JobToSettle {
  const { end, error, output, ifBegun = false } = ended;
  if (end.state !== 'SUCCESS' || output === undefined) return { jobRunId, end, error, ifBegun };
  try {
    return { jobRunId, end, error, output: encodeOutput(jobRunId, output) };
  } catch (refused) {
    if (!(refused instanceof CodedError)) throw refused;
    const { code, message } = refused;
    return { jobRunId, end: { state: 'FAILED', reason: 'error' }, error: { type: code, code, message } };
  }
}

/** The server's words: an argument or a recorded result could be another execution's. */
function identify(firstExecutionRunId: string): WorkflowIdentity {
  const execution = Context.current().info.workflowExecution;
  if (!execution) throw new Error('bookkeeping runs for workflows only');
  return { workflowId: execution.workflowId, runId: execution.runId, firstExecutionRunId };
}

function own(): { runId: string; actor: string } {
  const { runId, workflowId } = identify('');
  return { runId, actor: `workflow:${workflowId}` };
}

function actorOf(identity: WorkflowIdentity): string {
  return `workflow:${identity.workflowId}`;
}
