// What the watch asks and writes, beside the ends and adoptions of execution.ts.
import type { Fence, RunError } from '../graph/transitions.ts';
import { followSuccesses } from './after-runs.ts';
import type { AttemptSubject } from './attempt-writes.ts';
import type { Database } from './database.ts';
import type { OpenGraphRun, OpenJobRun, WorkflowIdentity } from './execution.ts';
import { readOpenExecutions, readStanding, siftExecutions } from './executions.ts';
import type { GrantedJob } from './granted.ts';
import type { GraphCache } from './graph-cache.ts';
import { freeLeftClaims, noteTold, readUntold, type ToldGrant } from './left-claims.ts';
import { noteLost, readRunningAttempts } from './lost-attempts.ts';
import { recordGraphRun, recordJobRun } from './outside-runs.ts';
import { letAllIn } from './run-line.ts';
import { clearStuck, markStuck } from './stuck-runs.ts';
import { claimUnopened, noteStarts } from './unopened-runs.ts';
import { beginTurn, countCorrections, endTurn, noteLag } from './watch-progress.ts';

export interface Watching {
  /** Keeps which execution each of these runs was started with. */
  noteStarts(subject: RunSubject, starts: readonly NotedStart[], actor: string): Promise<void>;

  /** What is known of executions that a list shows, by run id. */
  sift(listed: readonly ExecutionIds[]): Promise<ReadonlyMap<string, Sifted>>;
  standingOf(identity: WorkflowIdentity): Promise<Standing>;
  /** Executions that carry out runs, or are to: what the watch compares with Temporal. Oldest first. */
  openExecutions(after: OpenExecution | null, most: number): Promise<OpenExecution[]>;

  /** Lets in runs whose place nobody has given them: of each project, as many as may be open. Answers with how many. */
  letRunsIn(actor: string): Promise<number>;

  /** Frees what ended job runs hold of pools, and gives what is free; answers with how often that was to be done. */
  tendPools(actor: string): Promise<number>;
  /** Job runs that have their slots, and whose workflow may not know. */
  untoldGrants(olderThan: Date, most: number): Promise<GrantedJob[]>;
  noteTold(told: readonly ToldGrant[]): Promise<void>;

  /** Makes the row of a run that was started outside, as PENDING, or FAILED/invalid; false where there is one. */
  recordGraphRun(run: OutsideGraphRun): Promise<boolean>;
  /** Likewise; nothing is kept of one that cannot be run, since it has no job to belong to. */
  recordJobRun(run: OutsideJobRun): Promise<boolean>;
  /** For an execution that was ended before it could open its run; false where there is nothing to claim. */
  claimUnopened(identity: WorkflowIdentity, actor: string): Promise<boolean>;

  /** Shows that the workflow task of a run fails; false where that shows already, or the run has moved on. */
  markStuck(problem: WorkflowTaskProblem): Promise<boolean>;
  clearStuck(identity: WorkflowIdentity, actor: string): Promise<boolean>;

  /** Attempts that run, as far as the rows know, of these jobs of an execution. */
  runningAttempts(runId: string, jobs: readonly string[]): Promise<RunningAttempt[]>;
  /** Ends attempts for which Temporal tries again: their jobs wait. One that tells of itself later is heard. */
  noteLost(lost: readonly LostAttempt[], actor: string): Promise<void>;

  /** Makes the runs that start after others that have succeeded; looks at the next `most` of those, tells of how many. */
  followSuccesses(most: number): Promise<number>;

  beginTurn(): Promise<TurnBegin>;
  /** Writes the event `behind` when it is due. */
  noteLag(behindAfterMs: number): Promise<void>;
  /** Everything up to the turn's begin is in the rows; writes the event `caught_up` when it is due. */
  endTurn(turn: TurnEnd): Promise<void>;
  countCorrections(counts: Corrections): Promise<void>;
}

export type RunSubject = 'graph_run' | 'job_run';

export interface NotedStart {
  readonly id: string;
  readonly workflowId: string;
  readonly firstExecutionRunId: string;
  /** False when it had been started before. */
  readonly isNew: boolean;
}

export interface ExecutionIds {
  readonly workflowId: string;
  readonly runId: string;
}

export interface Sifted {
  /** Of the Task with this run id. */
  readonly task: 'open' | 'closed' | null;
  /** Some run goes by this workflow id. */
  readonly hasRun: boolean;
  /** And it was opened. */
  readonly hasTasks: boolean;
}

/**
 * What an execution is to the rows. `task`: it carries out a run, or did. `unopened`: it is to. `reset`: it goes on with
 * what another execution carried out. `stranger`: no run goes by its ids. `other`: its run is carried out otherwise.
 */
export type Standing =
  | { readonly is: 'task'; readonly isOpen: boolean }
  | { readonly is: 'unopened' | 'reset' | 'stranger' | 'other' };

export interface OpenExecution extends ExecutionIds {
  readonly since: Date;
  /** Its workflow task failed when it was last compared. */
  readonly isStuck: boolean;
}

interface Recorded {
  /** Who started it; `actor` is who makes the row. */
  readonly createdBy: string;
}
export type OutsideGraphRun = Omit<OpenGraphRun, 'known'> & Recorded;
export type OutsideJobRun = Omit<OpenJobRun, 'known'> & Recorded;

export interface WorkflowTaskProblem {
  readonly identity: WorkflowIdentity;
  readonly error: RunError;
  readonly actor: string;
}

export interface RunningAttempt extends AttemptSubject {
  readonly fence: Fence;
}

export interface LostAttempt extends RunningAttempt {
  readonly reason: 'error' | 'timed_out' | 'lost';
  readonly error: RunError;
}

export interface TurnBegin {
  /** Postgres' time, as all holders read it. */
  readonly begunAt: Date;
  /** Temporal's time: its lists were read up to here. Null before the first turn ever. */
  readonly listedUntil: Date | null;
}

export interface TurnEnd {
  readonly begunAt: Date;
  readonly listedUntil: Date;
  readonly behindAfterMs: number;
  readonly lease: string;
  readonly holder: string;
}

export type Correction = 'started' | 'opened' | 'adopted' | 'ended' | 'stuck' | 'recovered';
export type Corrections = Readonly<Record<Correction, number>>;

export function createWatching(database: Database, cache: GraphCache): Watching {
  const { pool } = database;
  return {
    noteStarts: (subject, starts, actor) =>
      database.transaction((client) => noteStarts(client, subject, starts, actor)),
    sift: (listed) => siftExecutions(pool, listed),
    standingOf: (identity) => readStanding(pool, identity),
    openExecutions: (after, most) => readOpenExecutions(pool, after, most),
    letRunsIn: (actor) => letAllIn(database, actor),
    tendPools: (actor) => freeLeftClaims(database, actor),
    untoldGrants: (olderThan, most) => readUntold(database, olderThan, most),
    noteTold: (told) => noteTold(database, told),
    recordGraphRun: (run) => recordGraphRun(database, cache, run),
    recordJobRun: (run) => recordJobRun(database, cache, run),
    claimUnopened: (identity, actor) =>
      database.transaction((client) => claimUnopened(client, identity, actor)),
    markStuck: (problem) => database.transaction((client) => markStuck(client, problem)),
    clearStuck: (identity, actor) => database.transaction((client) => clearStuck(client, identity, actor)),
    runningAttempts: (runId, jobs) => readRunningAttempts(pool, runId, jobs),
    noteLost: (lost, actor) => database.transaction((client) => noteLost(client, lost, actor)),
    followSuccesses: (most) => database.transaction((client) => followSuccesses(client, cache, most)),
    beginTurn: () => beginTurn(database),
    noteLag: (behindAfterMs) => database.transaction((client) => noteLag(client, behindAfterMs)),
    endTurn: (turn) => database.transaction((client) => endTurn(client, turn)),
    countCorrections: (counts) => countCorrections(database, counts),
  };
}
