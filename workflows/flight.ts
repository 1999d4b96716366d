// The jobs of a run in flight. By callbacks and not by async functions: each promise of a workflow costs a stack trace
// (the SDK keeps one to answer `__stack_trace`), which would be most of what a job costs here.
import { workflowInfo } from '@temporalio/workflow';
import { limits } from '../graph/limits.ts';
import {
  abandonRest,
  completeJob,
  isDone,
  notStarted,
  type Progress,
  setAside,
  take,
  takeSettled,
} from '../graph/planner.ts';
import type { JobEnd } from '../graph/states.ts';
import { type HistoryUse, nextStep } from './history-budget.ts';
import { createJobRunner, type OpenedRun } from './job-runner.ts';
import { createJobScopes } from './job-scopes.ts';
import type { Pause } from './pauses.ts';
import type { Settler } from './settler.ts';
import { createStartReady } from './start-ready.ts';

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
    scopes.run(job, () => runner.attempt(job));
  };
  /** Found without the slots of its pools: it is not in flight until it has them, and does not wait for them in vain. */
  const waitAgain = (job: number): void => {
    scopes.leave(job);
    inFlight -= 1;
    setAside(progress, job);
    if (abandoned || progress.stopped || scopes.isCancelled(job)) endUnbegun(job);
    else startReady.ask(job);
    goOn();
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
    startReady.upTo(step === 'start' && !pause.isOn() ? limits.jobsInFlightDefault - inFlight : 0);
    if (!abandoned || isDone(progress)) addSettled(progress, settler);
    if (isDone(progress)) arrive('landed');
    else if (step === 'continue') arrive('continue');
    else settler.flushSoon(() => isDone(progress));
  };

  const endUnbegun = (job: number): void => {
    if (!take(progress, job)) return;
    inFlight += 1;
    runner.settle(job, { end: notStarted, error: null }, () => land(job, notStarted));
  };

  const runner = createJobRunner({
    ...{ run, progress, settler, scopes, land, waitAgain, fail: crash },
    hear: (granted) => startReady.hear(granted),
  });
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

/** What the planner ended without running. What was abandoned goes with the closing call. */
function addSettled(progress: Progress, settler: Settler): void {
  for (const { job, end } of takeSettled(progress))
    settler.add({ job: progress.plan.keys[job] as string, end, error: null });
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
