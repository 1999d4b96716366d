// A scope for each job in flight, so that it can be cancelled by itself. A scope is used again for the next job once its own
// has landed: what one costs is paid as often as jobs are in flight at once, and not for each job.
import { CancellationScope } from '@temporalio/workflow';

export interface JobScopes {
  /** Runs `begin`, and what it goes on with, in a scope for this job. */
  run(job: number, begin: () => void): void;
  /** The job has landed. */
  leave(job: number): void;
  /** False where it is not in flight. */
  cancel(job: number): boolean;
  /** By itself. */
  isCancelled(job: number): boolean;
  /** Tells all to stop, in the order in which they began, and those that begin later. */
  cancelAll(): void;
}

/** A cancel of the scope that they are made in cancels all. */
export function createJobScopes(crash: (error: unknown) => void): JobScopes {
  /** Scopes hand on a cancel in the order in which they were made: it is kept from these, and told to them one by one. */
  const shield = new CancellationScope({ cancellable: false });
  const idle: CancellationScope[] = [];
  const busy = new Map<number, CancellationScope>();
  const cancelled = new Set<number>();
  let isOver = false;
  const cancelAll = (): void => {
    isOver = true;
    for (const scope of busy.values()) scope.cancel();
  };
  CancellationScope.current().cancelRequested.catch(cancelAll);
  return {
    run: (job, begin) => {
      const scope = idle.pop() ?? new CancellationScope({ cancellable: true, parent: shield });
      busy.set(job, scope);
      if (isOver) scope.cancel();
      if (CancellationScope.current() === scope) begin();
      else scope.run(async () => begin()).catch(crash);
    },
    leave: (job) => {
      const scope = busy.get(job);
      if (busy.delete(job) && scope && !scope.consideredCancelled) idle.push(scope);
    },
    cancel: (job) => {
      const scope = busy.get(job);
      if (!scope) return false;
      cancelled.add(job);
      scope.cancel();
      return true;
    },
    isCancelled: (job) => cancelled.has(job),
    cancelAll,
  };
}
