// The jobs of a run in flight. By callbacks and not by async functions: each promise of a workflow costs a stack trace
// (the SDK keeps one to answer `__stack_trace`), which would be most of what a job costs here.
import { limits } from '../graph/limits.ts';
import { rulesAt } from '../graph/plan.ts';
import { abandonRest, completeJob, isDone, type Progress, takeReady, takeSettled } from '../graph/planner.ts';
import type { JobEnd } from '../graph/states.ts';
import type { OpenedGraphRun } from '../store/execution.ts';
import { attemptJob } from './job-attempts.ts';
import type { Settler } from './settler.ts';

export type OpenedRun = Extract<OpenedGraphRun, { outcome: 'opened' }>;

export interface Flight {
  /** Resolves once every job has ended. */
  readonly landed: Promise<void>;
  /** Starts no more jobs. Those in flight end by themselves. */
  abandon(end: JobEnd): void;
}

/** Starts what is ready, and again with each job that lands, until all have ended. */
export function beginFlight(run: OpenedRun, progress: Progress, settler: Settler): Flight {
  const { plan } = run;
  let inFlight = 0;
  let abandoned = false;
  let arrive = (): void => {};
  let crash = (_error: unknown): void => {};
  const landed = new Promise<void>((resolve, reject) => {
    arrive = resolve;
    crash = reject;
  });

  const start = (job: number): void => {
    inFlight += 1;
    const key = plan.keys[job] as string;
    attemptJob(inputOf(run, job, key), rulesAt(plan, job), ({ recorded, ...ended }) => {
      if (recorded) return land(job, ended.end);
      settler.settle({ job: key, ...ended }).then((end) => land(job, end), crash);
      settler.flushSoon(() => isDone(progress));
    });
  };
  const land = (job: number, end: JobEnd): void => {
    completeJob(progress, job, end);
    inFlight -= 1;
    goOn();
  };
  const goOn = (): void => {
    for (const job of takeReady(progress, limits.jobsInFlightDefault - inFlight)) start(job);
    if (!abandoned || isDone(progress)) addSettled();
    if (isDone(progress)) arrive();
    else settler.flushSoon(() => isDone(progress));
  };

  /** What the planner ended without running. What was abandoned goes with the closing call. */
  const addSettled = (): void => {
    for (const { job, end } of takeSettled(progress))
      settler.add({ job: plan.keys[job] as string, end, error: null });
  };

  goOn();
  return {
    landed,
    abandon: (end) => {
      abandoned = true;
      abandonRest(progress, end);
      goOn();
    },
  };
}

function inputOf(run: OpenedRun, job: number, key: string) {
  const { graphRunId, projectId, project, version, params, plan } = run;
  const given = Object.keys(params).length > 0 ? { params } : {};
  return { projectId, project, version, job: key, kind: rulesAt(plan, job).kind, graphRunId, ...given };
}
