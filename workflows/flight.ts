// The jobs of a run in flight. By callbacks and not by async functions: each promise of a workflow costs a stack trace
// (the SDK keeps one to answer `__stack_trace`), which would be most of what a job costs here.
import { workflowInfo } from '@temporalio/workflow';
import { limits } from '../graph/limits.ts';
import { rulesAt } from '../graph/plan.ts';
import {
  abandonRest,
  completeJob,
  isDone,
  notStarted,
  type Progress,
  take,
  takeSettled,
} from '../graph/planner.ts';
import type { JobEnd } from '../graph/states.ts';
import type { OpenedGraphRun } from '../store/execution.ts';
import { type HistoryUse, nextStep } from './history-budget.ts';
import { attemptJob, dueAtOf } from './job-attempts.ts';
import { createJobScopes } from './job-scopes.ts';
import type { Pause } from './pauses.ts';
import type { Settler } from './settler.ts';
import { createStartReady } from './start-ready.ts';

export type OpenedRun = Extract<OpenedGraphRun, { outcome: 'opened' }>;

export interface Flight {
  /** Resolves once nothing is in flight: every job has ended, or the rest is for a new execution. */
  readonly landed: Promise<'landed' | 'continue'>;
  /** Starts no more jobs. Those in flight end by themselves. */
  abandon(end: JobEnd): void;
  /** Tells those in flight to stop. */
  cancelJobs(): void;
  /** Tells one to stop, or ends it where it has not begun; nothing where it has ended. */
  cancelJob(key: string): void;
}

/** Starts what is ready, and again with each job that lands, until all have ended; nothing while the run is paused. */
export function beginFlight(run: OpenedRun, progress: Progress, settler: Settler, pause: Pause): Flight {
  const { plan } = run;
  let inFlight = 0;
  let hasLanded = false;
  let abandoned = false;
  const { landed, arrive, crash } = expectLanding();
  const scopes = createJobScopes(crash);

  const start = (job: number): void => {
    inFlight += 1;
    scopes.run(job, () => attempt(job, dueAtOf(rulesAt(plan, job))));
  };
  const attempt = (job: number, dueAt: number | null): void => {
    const key = plan.keys[job] as string;
    attemptJob(inputOf(run, job, key), rulesAt(plan, job), dueAt, ({ recorded, ...ended }) => {
      if (recorded) return land(job, ended.end);
      settler
        .settle({ job: key, ...(scopes.isCancelled(job) ? asCancelled(ended) : ended) })
        .then((end) => (end === null ? attempt(job, dueAt) : land(job, end)), crash);
      settler.flushSoon(() => isDone(progress));
    });
  };
  const land = (job: number, end: JobEnd): void => {
    completeJob(progress, job, end);
    scopes.leave(job);
    inFlight -= 1;
    hasLanded = true;
    if (progress.stopped && plan.onFailure === 'cancel') scopes.cancelAll();
    goOn();
  };
  const goOn = (): void => {
    const step = abandoned || !hasLanded ? 'start' : nextStep(historyUse(), inFlight);
    startReady(step === 'start' && !pause.isOn() ? limits.jobsInFlightDefault - inFlight : 0);
    if (!abandoned || isDone(progress)) addSettled();
    if (isDone(progress)) arrive('landed');
    else if (step === 'continue') arrive('continue');
    else settler.flushSoon(() => isDone(progress));
  };

  /** What the planner ended without running. What was abandoned goes with the closing call. */
  const addSettled = (): void => {
    for (const { job, end } of takeSettled(progress))
      settler.add({ job: plan.keys[job] as string, end, error: null });
  };

  const endUnbegun = (job: number): void => {
    if (!take(progress, job)) return;
    inFlight += 1;
    const ended = { job: plan.keys[job] as string, end: notStarted, error: null };
    settler.settle(ended).then((end) => land(job, end ?? notStarted), crash);
    settler.flushSoon(() => false);
  };

  const startReady = createStartReady({ run, progress, start, goOn, fail: crash });
  pause.whenOver(goOn);
  goOn();
  return {
    cancelJobs: scopes.cancelAll,
    cancelJob: (key) => {
      const job = plan.keys.indexOf(key);
      if (!scopes.cancel(job)) endUnbegun(job);
    },
    landed,
    abandon: (end) => {
      abandoned = true;
      abandonRest(progress, end);
      goOn();
    },
  };
}

/** Its worker was gone when it was told to stop: what became of it is what was asked for. */
function asCancelled<Ended extends { readonly end: JobEnd }>(ended: Ended): Ended {
  return ended.end.reason === 'lost' ? { ...ended, end: notStarted } : ended;
}

function expectLanding() {
  let arrive = (_how: 'landed' | 'continue'): void => {};
  let crash = (_error: unknown): void => {};
  const landed = new Promise<'landed' | 'continue'>((resolve, reject) => {
    arrive = resolve;
    crash = reject;
  });
  return { landed, arrive, crash };
}

function historyUse(): HistoryUse {
  const { historyLength: events, historySize: bytes, continueAsNewSuggested: isLong } = workflowInfo();
  return { events, bytes, isLong };
}

function inputOf(run: OpenedRun, job: number, key: string) {
  const { graphRunId, projectId, project, version, plan } = run;
  return { projectId, project, version, job: key, kind: rulesAt(plan, job).kind, graphRunId };
}
