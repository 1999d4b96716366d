// Gives one job of a run to a worker, again where its attempt was none, and tells how it ended.
import type { EndedJob } from '../activities/bookkeeping.ts';
import type { GrantedSlots } from '../graph/asked-slots.ts';
import { rulesAt } from '../graph/plan.ts';
import { isDone, notStarted, type Progress } from '../graph/planner.ts';
import type { JobEnd } from '../graph/states.ts';
import type { OpenedGraphRun } from '../store/execution.ts';
import { attemptJob, dueAtOf } from './job-attempts.ts';
import type { JobScopes } from './job-scopes.ts';
import type { Settler } from './settler.ts';

export type OpenedRun = Extract<OpenedGraphRun, { outcome: 'opened' }>;

export interface JobRunnerOptions {
  readonly run: OpenedRun;
  readonly progress: Progress;
  readonly settler: Settler;
  readonly scopes: Pick<JobScopes, 'isCancelled'>;
  /** It has ended. */
  readonly land: (job: number, end: JobEnd) => void;
  /** It was found without the slots of its pools. */
  readonly waitAgain: (job: number) => void;
  /** Others have slots of pools, since one has ended. */
  readonly hear: (granted: readonly GrantedSlots[]) => void;
  readonly fail: (error: unknown) => void;
}

export interface JobRunner {
  attempt(job: number): void;
  /** A job lands with what is recorded of it; `again` where it has not ended. */
  settle(job: number, ended: Omit<EndedJob, 'job'>, again: () => void): void;
}

export function createJobRunner(options: JobRunnerOptions): JobRunner {
  const { run, progress, settler, scopes, land, waitAgain, hear, fail } = options;
  const { plan } = run;
  const settle: JobRunner['settle'] = (job, ended, again) => {
    settler
      .settle({ job: plan.keys[job] as string, ...ended })
      .then((end) => (end === null ? again() : land(job, end)), fail);
    settler.flushSoon(() => isDone(progress));
  };
  const attempt = (job: number, dueAt: number | null): void => {
    attemptJob(inputOf(run, job), rulesAt(plan, job), dueAt, {
      ended: ({ recorded, granted, ...ended }) => {
        // They start with what is ready by the end of this one, and before that.
        if (granted) hear(granted);
        if (recorded) land(job, ended.end);
        else settle(job, scopes.isCancelled(job) ? asCancelled(ended) : ended, () => attempt(job, dueAt));
      },
      needsSlots: () => waitAgain(job),
    });
  };
  return { attempt: (job) => attempt(job, dueAtOf(rulesAt(plan, job))), settle };
}

/** Its worker was gone when it was told to stop: what became of it is what was asked for. */
function asCancelled<Ended extends { readonly end: JobEnd }>(ended: Ended): Ended {
  return ended.end.reason === 'lost' ? { ...ended, end: notStarted } : ended;
}

function inputOf({ graphRunId, projectId, project, version, plan }: OpenedRun, job: number) {
  const { kind } = rulesAt(plan, job);
  return { projectId, project, version, job: plan.keys[job] as string, kind, graphRunId };
}
