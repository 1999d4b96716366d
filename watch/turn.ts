// One look of the watch: starts what never started, follows what Temporal lists as begun or closed, and compares what is
// open. How far it came is kept in Postgres, so that the next holder goes on from there.
import { LRUCache } from 'lru-cache';
import { isOngoing } from '../graph/outcomes.ts';
import type { Store } from '../store/store.ts';
import type { Correction, OpenExecution } from '../store/watching.ts';
import { carryOutCancels } from './carry-out-cancels.ts';
import { carryOutRequests } from './carry-out-requests.ts';
import { compareExecution, type FollowDependencies, followExecution } from './follow-execution.ts';
import { isOfInterest } from './sift.ts';
import { startPending } from './start-pending.ts';
import type { Starter } from './starter.ts';
import { tellUntold } from './tell-granted.ts';
import type { ExecutionId, ListedExecution } from './temporal-view.ts';
import { workThrough } from './work-through.ts';

export interface TurnOptions extends FollowDependencies {
  readonly store: Pick<
    Store,
    | 'execution'
    | 'watch'
    | 'leases'
    | 'graphRuns'
    | 'jobRuns'
    | 'cancels'
    | 'pauses'
    | 'retries'
    | 'schedules'
  >;
  readonly starter: Omit<Starter, 'ping' | 'close'>;
  /** The name of the lease, and of this process on it. */
  readonly lease: string;
  readonly holder: string;
  readonly behindAfterMs: number;
  readonly onError: (error: unknown) => void;
  readonly onCorrection: (correction: Correction, workflowId: string) => void;
}

/** What one holder keeps in mind between its turns. */
export interface Tenure {
  /** Temporal's time: its lists were read up to here. */
  listedUntil: Date | null;
  /** Where the comparison of open executions goes on. */
  comparedTo: OpenExecution | null;
  /** All that was open has been compared once. */
  hasComparedAll: boolean;
  /** Closed executions that were followed to their end: lists show them again, and nothing can change there any more. */
  readonly settled: LRUCache<string, true>;
  /** What could not be followed, by run id: it comes again in each turn, and until then the watch is behind. */
  readonly failed: Map<string, ExecutionId>;
  counts: Record<Correction, number>;
}

/** Visibility is late by some milliseconds; what it shows twice is followed twice and changes nothing. */
const overlapMs = 2_000;
/** The clocks of Temporal and of this machine may differ by this much. */
const clockSkewMaxMs = 60_000;
/** Before the first turn ever. */
const firstLookBackMs = 5 * 60_000;
const followedAtOnce = 10;
/** Open executions compared in a turn, in rotation; more until a new holder has seen all of them once. */
const comparedPerTurn = { usual: 100, first: 1_000 };
const settledKept = 10_000;
/** Runs that have succeeded, in a transaction that makes those that follow them. */
const successesAtOnce = 20;

export function beginTenure(): Tenure {
  return {
    listedUntil: null,
    comparedTo: null,
    hasComparedAll: false,
    settled: new LRUCache({ max: settledKept }),
    failed: new Map(),
    counts: { ...noCorrections },
  };
}

const noCorrections = { started: 0, opened: 0, adopted: 0, ended: 0, stuck: 0, recovered: 0 } as const;

/** @throws where Postgres or Temporal is away: nothing is lost, the next turn sees it all again */
export async function takeTurn(options: TurnOptions, tenure: Tenure, signal: AbortSignal): Promise<void> {
  const { watch } = options.store;
  const { begunAt, listedUntil } = await watch.beginTurn();
  tenure.listedUntil ??= listedUntil;
  try {
    await apart(options, signal, () => followSuccesses(options, signal));
    await apart(options, signal, () => watch.letRunsIn(options.actor));
    await apart(options, signal, () => watch.tendPools(options.actor));
    await apart(options, signal, () => tellUntold({ ...options, before: begunAt, signal }));
    await startPending({
      ...options,
      before: begunAt,
      signal,
      onStarted: (workflowId) => count(options, tenure, 'started', workflowId),
    });
    await carryOutCancels({ ...options, canceller: options.starter, now: begunAt, signal });
    await carryOutRequests({ ...options, signal });
    await followAll(options, tenure, signal, [...tenure.failed.values()]);
    const listed = await followListed(options, tenure, signal);
    await compareOpen(options, tenure, signal);
    if (signal.aborted) return;
    tenure.listedUntil = listed;
    if (!tenure.hasComparedAll || tenure.failed.size > 0) return;
    const { behindAfterMs, lease, holder } = options;
    await watch.endTurn({ begunAt, listedUntil: listed, behindAfterMs, lease, holder });
  } finally {
    await keepCounts(options, tenure);
  }
}

/** What one project's rows make fail keeps nothing else of the turn from being done; the next turn tries it again. */
async function apart(
  { onError }: TurnOptions,
  signal: AbortSignal,
  work: () => Promise<unknown>,
): Promise<void> {
  await work().catch((error: unknown) => {
    if (!signal.aborted) onError(error);
  });
}

/** Runs that start after others: they are made here, and started as those are that were asked for. */
async function followSuccesses({ store }: TurnOptions, signal: AbortSignal): Promise<void> {
  let seen = successesAtOnce;
  while (seen === successesAtOnce && !signal.aborted)
    seen = await store.watch.followSuccesses(successesAtOnce);
}

/** Answers with how far the lists were read. */
async function followListed(options: TurnOptions, tenure: Tenure, signal: AbortSignal): Promise<Date> {
  const begun = Date.now();
  const from = tenure.listedUntil ?? new Date(begun - firstLookBackMs);
  let until = Math.max(from.getTime(), begun - clockSkewMaxMs);
  for await (const page of options.temporal.changedSince(new Date(from.getTime() - overlapMs))) {
    signal.throwIfAborted();
    until = page.reduce((latest, { at }) => Math.max(latest, at.getTime()), until);
    await followAll(options, tenure, signal, await sift(options, tenure, page));
  }
  return new Date(until);
}

async function sift(
  { store, taskQueue }: TurnOptions,
  { settled }: Tenure,
  page: readonly ListedExecution[],
): Promise<ListedExecution[]> {
  const unsettled = page.filter(({ runId }) => !settled.has(runId));
  if (unsettled.length === 0) return [];
  const known = await store.watch.sift(unsettled);
  return unsettled.filter((execution) => {
    const sifted = known.get(execution.runId);
    const isToFollow = sifted !== undefined && isOfInterest(execution, sifted, taskQueue);
    if (!isToFollow && !isOngoing(execution.status)) settled.set(execution.runId, true);
    return isToFollow;
  });
}

/** Compares open executions in rotation: finds what no list shows, such as deleted workflows and failing workflow tasks. */
async function compareOpen(options: TurnOptions, tenure: Tenure, signal: AbortSignal): Promise<void> {
  const most = tenure.hasComparedAll ? comparedPerTurn.usual : comparedPerTurn.first;
  const open = await options.store.watch.openExecutions(tenure.comparedTo, most);
  await work(options, tenure, signal, open, (execution) => compareExecution(options, execution));
  if (signal.aborted) return;
  tenure.comparedTo = open.length < most ? null : (open.at(-1) ?? null);
  if (tenure.comparedTo === null) tenure.hasComparedAll = true;
}

async function followAll(
  options: TurnOptions,
  tenure: Tenure,
  signal: AbortSignal,
  executions: readonly (ExecutionId & Partial<ListedExecution>)[],
): Promise<void> {
  await work(options, tenure, signal, executions, async (execution) => {
    const corrections = await followExecution(options, execution);
    if (execution.status && !isOngoing(execution.status)) tenure.settled.set(execution.runId, true);
    return corrections;
  });
}

async function work<Execution extends ExecutionId>(
  options: TurnOptions,
  tenure: Tenure,
  signal: AbortSignal,
  executions: readonly Execution[],
  follow: (execution: Execution) => Promise<readonly Correction[]>,
): Promise<void> {
  await workThrough({
    items: executions,
    atOnce: followedAtOnce,
    signal,
    work: async (execution) => {
      const corrections = await follow(execution);
      tenure.failed.delete(execution.runId);
      for (const correction of corrections) count(options, tenure, correction, execution.workflowId);
    },
    onError: (error, { workflowId, runId }) => {
      tenure.failed.set(runId, { workflowId, runId });
      options.onError(error);
    },
  });
}

function count(options: TurnOptions, tenure: Tenure, correction: Correction, workflowId: string): void {
  tenure.counts[correction] += 1;
  options.onCorrection(correction, workflowId);
}

async function keepCounts({ store }: TurnOptions, tenure: Tenure): Promise<void> {
  if (Object.values(tenure.counts).every((number) => number === 0)) return;
  await store.watch.countCorrections(tenure.counts);
  tenure.counts = { ...noCorrections };
}
