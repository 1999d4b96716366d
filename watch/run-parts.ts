// A run that was resumed is told by several workflows: what one has kept ended in one before it. Pure.
import { readWorkflowId } from '../graph/workflow-ids.ts';
import type { JobFacts, RunFacts } from '../store/store.ts';

/** The jobs of a run whose ends one workflow tells. */
export interface RunPart {
  /** Its latest execution. */
  readonly task: RunFacts['tasks'][number];
  /** The graph's version that its jobs are pinned to. */
  readonly version: number;
  readonly isNewest: boolean;
  readonly jobs: readonly JobFacts[];
  /** Jobs that had ended when this workflow began, by key: also those that somebody had marked as done. */
  readonly before: ReadonlyMap<string, JobFacts>;
}

/** The newest first; those of which nothing is left in the rows are left out. */
export function partsOf(run: RunFacts): RunPart[] {
  const parts: RunPart[] = [];
  let rest = run.jobs;
  for (const [workflowId, tasks] of [...Map.groupBy(run.tasks, (task) => task.workflowId)].reverse()) {
    const task = tasks.at(-1);
    const begunAt = readWorkflowId(workflowId)?.epoch ?? 1;
    const own = rest.filter(({ epoch }) => epoch >= begunAt);
    const jobs = own.filter((job) => !isMarked(job));
    rest = rest.filter(({ epoch }) => epoch < begunAt);
    const before = [...rest, ...own.filter(isMarked)];
    const isNewest = parts.length === 0;
    if (!task || (jobs.length === 0 && !isNewest)) continue;
    const version = (isNewest ? run.pinned?.version : jobs[0]?.version) ?? 1;
    parts.push({ task, version, isNewest, jobs, before: new Map(before.map((job) => [job.job, job])) });
  }
  return parts;
}

/** No workflow ended it: a resume has kept it for what somebody said. */
export function isMarked({ state, reason }: Pick<JobFacts, 'state' | 'reason'>): boolean {
  return state === 'SUCCESS' && reason === 'marked';
}
