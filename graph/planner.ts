// What may start now, and what is settled without running. Pure: the workflow asks it and does as told, so that its
// order is the same on every replay.
import { type KeptJobs, type Plan, rulesAt } from './plan.ts';
import type { RunIf } from './rules.ts';
import type { GraphEnd, JobEnd } from './states.ts';

/** How a final job counts for those below it. */
type Standing = 'ok' | 'skipped' | 'failed';

interface ParentCounts {
  open: number;
  ok: number;
  skipped: number;
  failed: number;
}

/** A run's progress. Only the functions of this file change it. */
export interface Progress {
  readonly plan: Plan;
  readonly children: readonly (readonly number[])[];
  readonly counts: readonly ParentCounts[];
  readonly passing: ReadonlySet<number>;
  /** Ready and not yet taken, first come first served; `readyFrom` is its head. */
  readonly ready: number[];
  readyFrom: number;
  readonly taken: Set<number>;
  /** Ready, and waiting for something else than a worker. */
  readonly aside: Set<number>;
  readonly ends: (JobEnd | undefined)[];
  /** Settled without running, and not yet taken by `takeSettled`. */
  settled: SettledJob[];
  open: number;
  hardFailures: number;
  /** A job has failed of a run that is to start nothing more then: what was ready ends without running. */
  stopped: boolean;
}

export interface SettledJob {
  readonly job: number;
  readonly end: JobEnd;
}

/** `kept` are the ends of jobs that do not run again: their parents are kept as well, or left out. */
export function beginProgress(plan: Plan, kept?: KeptJobs): Progress {
  const children: number[][] = plan.keys.map(() => []);
  plan.parents.forEach((parents, job) => {
    for (const parent of parents) children[parent]?.push(job);
  });
  const progress: Progress = {
    plan,
    children,
    counts: plan.parents.map((parents) => ({ open: parents.length, ok: 0, skipped: 0, failed: 0 })),
    passing: new Set(plan.passing),
    ready: [],
    readyFrom: 0,
    taken: new Set(),
    aside: new Set(),
    ends: plan.keys.map(() => undefined),
    settled: [],
    open: plan.keys.length - plan.passing.length,
    hardFailures: 0,
    stopped: false,
  };
  const roots = plan.parents.flatMap((parents, job) => (parents.length === 0 ? [job] : []));
  const below = keptEnds(kept).flatMap(({ job, end }) => finish(progress, job, end));
  releaseAll(progress, [...roots, ...below].sort(byPosition));
  return progress;
}

function keptEnds(kept: KeptJobs | undefined): SettledJob[] {
  if (!kept) return [];
  const endAs = (end: JobEnd) => (job: number) => ({ job, end });
  return [
    ...kept.succeeded.map(endAs({ state: 'SUCCESS', reason: null })),
    ...kept.skipped.map(endAs({ state: 'SUCCESS', reason: 'skipped' })),
    ...kept.failed.map(endAs({ state: 'FAILED', reason: 'error' })),
  ];
}

function byPosition(a: number, b: number): number {
  return a - b;
}

/** Takes up to `most` jobs that may start now; each is taken once. */
export function takeReady(progress: Progress, most: number): number[] {
  const jobs: number[] = [];
  while (jobs.length < most && progress.readyFrom < progress.ready.length) {
    const job = progress.ready[progress.readyFrom] as number;
    progress.readyFrom += 1;
    if (take(progress, job)) jobs.push(job);
  }
  return jobs;
}

/**
 * Takes a job whatever it waits for, to be ended without running: `completeJob` tells how. False where it was taken before, has
 * ended or is not of the run.
 */
export function take(progress: Progress, job: number): boolean {
  const isKnown = job in progress.plan.keys && !progress.passing.has(job);
  if (!isKnown || progress.taken.has(job) || progress.ends[job]) return false;
  progress.aside.delete(job);
  progress.taken.add(job);
  return true;
}

/** A job that was taken has to wait for something else: it is as one that was not, and comes back by `takeAside`. */
export function setAside(progress: Progress, job: number): void {
  progress.taken.delete(job);
  progress.aside.add(job);
}

/** False for one that does not wait any more: it was taken, or has ended. */
export function takeAside(progress: Progress, job: number): boolean {
  if (!progress.aside.delete(job)) return false;
  progress.taken.add(job);
  return true;
}

/** Jobs that became final without running since the last call. */
export function takeSettled(progress: Progress): SettledJob[] {
  const settled = progress.settled;
  progress.settled = [];
  return settled;
}

/** Tells that a taken job ended; what follows from it becomes ready or settled. */
export function completeJob(progress: Progress, job: number, end: JobEnd): void {
  if (!progress.taken.has(job)) throw new Error(`job ${progress.plan.keys[job]} was not started`);
  if (progress.ends[job]) throw new Error(`job ${progress.plan.keys[job]} has ended already`);
  const { onFailure = 'continue' } = progress.plan;
  const isHard = end.state === 'FAILED' && !rulesAt(progress.plan, job).allowFailure;
  const below = finish(progress, job, end);
  if (isHard && onFailure !== 'continue') below.push(...stopStarting(progress));
  releaseAll(progress, below);
}

/** Returns the jobs that this makes releasable. */
function stopStarting(progress: Progress): number[] {
  progress.stopped = true;
  const ready = progress.ready.slice(progress.readyFrom).filter((job) => !progress.taken.has(job));
  const waiting = [...progress.aside, ...ready];
  progress.aside.clear();
  progress.readyFrom = progress.ready.length;
  return waiting.flatMap((job) => settle(progress, job, notStarted));
}

/** How a job ends that a stopped run would have started. */
export const notStarted: JobEnd = { state: 'FAILED', reason: 'cancelled' };

/** Ends all jobs that were never taken, as a cancel does; they are then settled. */
export function abandonRest(progress: Progress, end: JobEnd): void {
  progress.readyFrom = progress.ready.length;
  progress.aside.clear();
  progress.plan.keys.forEach((_, job) => {
    if (progress.passing.has(job) || progress.taken.has(job) || progress.ends[job]) return;
    progress.ends[job] = end;
    progress.open -= 1;
    progress.settled.push({ job, end });
  });
}

export function isDone(progress: Progress): boolean {
  return progress.open === 0;
}

/** A run is FAILED/job_failed if and only if a job without `allowFailure` is FAILED. */
export function verdict(progress: Progress): GraphEnd {
  return progress.hardFailures > 0
    ? { state: 'FAILED', reason: 'job_failed' }
    : { state: 'SUCCESS', reason: null };
}

/** What a job's rule says once all its parents are final. */
export function decide(runIf: RunIf, parents: Omit<ParentCounts, 'open'>): 'run' | JobEnd {
  const { ok, skipped, failed } = parents;
  const none = ok + skipped + failed === 0;
  const met: Record<RunIf, boolean> = {
    all_succeeded: none || (failed === 0 && ok > 0),
    none_failed: failed === 0,
    any_succeeded: ok > 0,
    any_failed: failed > 0,
    all_done: true,
  };
  if (met[runIf]) return 'run';
  const neededSuccess = runIf !== 'any_failed';
  return failed > 0 && neededSuccess
    ? { state: 'FAILED', reason: 'upstream_failed' }
    : { state: 'SUCCESS', reason: 'skipped' };
}

/** Releases jobs whose last parent is final, and all that follow from those that do not run. */
function releaseAll(progress: Progress, jobs: readonly number[]): void {
  const queue = [...jobs];
  for (const job of queue) queue.push(...release(progress, job));
}

/** Called once for a job. Returns the jobs that this makes releasable. */
function release(progress: Progress, job: number): readonly number[] {
  if (progress.ends[job] || progress.taken.has(job)) return [];
  const counts = progress.counts[job] as ParentCounts;
  if (progress.passing.has(job)) return pass(progress, job, standingOfPassing(counts));
  const decision = decide(rulesAt(progress.plan, job).runIf, counts);
  if (decision !== 'run') return settle(progress, job, decision);
  if (progress.stopped) return settle(progress, job, notStarted);
  progress.ready.push(job);
  return [];
}

function settle(progress: Progress, job: number, end: JobEnd): number[] {
  progress.settled.push({ job, end });
  return finish(progress, job, end);
}

function finish(progress: Progress, job: number, end: JobEnd): number[] {
  const { allowFailure } = rulesAt(progress.plan, job);
  progress.ends[job] = end;
  progress.open -= 1;
  if (end.state === 'FAILED' && !allowFailure) progress.hardFailures += 1;
  return pass(progress, job, standingOf(end, allowFailure));
}

function pass(progress: Progress, job: number, standing: Standing): number[] {
  const releasable: number[] = [];
  for (const child of progress.children[job] ?? []) {
    const counts = progress.counts[child] as ParentCounts;
    counts[standing] += 1;
    counts.open -= 1;
    if (counts.open === 0) releasable.push(child);
  }
  return releasable;
}

function standingOf(end: JobEnd, allowFailure: boolean): Standing {
  if (end.state === 'FAILED') return allowFailure ? 'ok' : 'failed';
  return end.reason === 'skipped' ? 'skipped' : 'ok';
}

/** A job that is left out hands on how its own parents stand. */
function standingOfPassing(parents: ParentCounts): Standing {
  if (parents.failed > 0) return 'failed';
  return parents.ok > 0 ? 'ok' : 'skipped';
}
