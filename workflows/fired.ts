import type { WorkflowInfo } from '@temporalio/workflow';
import type { FiredInput } from '../activities/bookkeeping.ts';

/** By which schedule, and for which time, Temporal has started a workflow; undefined where none has. */
export function readFired({ searchAttributes, startTime }: WorkflowInfo): FiredInput | undefined {
  const [by] = searchAttributes.TemporalScheduledById ?? [];
  const [at] = searchAttributes.TemporalScheduledStartTime ?? [];
  if (typeof by !== 'string' || !(at instanceof Date)) return undefined;
  return { by, at: at.toISOString(), startedAt: startTime.toISOString() };
}
