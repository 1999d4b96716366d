import type { AnyJobKind, JobLog } from '../jobs/define-job-kind.ts';
import type { WorkflowIdentity } from '../store/execution.ts';
import type { Store } from '../store/store.ts';
import type { Warehouse } from '../warehouse/warehouse.ts';

/** What activities work with; made once per worker. */
export interface Dependencies {
  readonly store: Store;
  readonly warehouse: Warehouse;
  readonly kinds: ReadonlyMap<string, AnyJobKind>;
  readonly log: JobLog;
  /** Takes over an execution that a reset made; resolves with whether it is a Task of its run now. */
  readonly adopt: (execution: { readonly workflowId: string; readonly runId: string }) => Promise<boolean>;
  /**
   * Makes the row of a schedule follow what Temporal has of it, before one of its times is admitted. Resolves in time, whatever
   * comes of it.
   */
  readonly lookAtSchedule: (fired: {
    readonly temporalId: string;
    readonly identity: WorkflowIdentity;
  }) => Promise<void>;
}
