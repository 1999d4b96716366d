// Before a time of a schedule is admitted, its row follows what Temporal has of it: what the watch knows may be of before the
// last change, and lists do not show policies and arguments at all.
import { setTimeout as pause } from 'node:timers/promises';
import type { WorkflowIdentity } from '../../store/execution.ts';
import type { Store } from '../../store/store.ts';
import { type MirrorDependencies, mirrorView } from './mirror-view.ts';
import type { ScheduleViews } from './schedule-view.ts';

export interface LookDependencies extends MirrorDependencies {
  readonly temporal: { readonly schedules: Pick<ScheduleViews, 'describe'> };
}

/** @throws where Postgres or Temporal is away */
export async function lookAtSchedule(deps: LookDependencies, temporalId: string): Promise<void> {
  const row = await deps.store.schedules.mirroredOne(temporalId);
  if (row && row.pushedRevision !== row.revision) return;
  const view = await deps.temporal.schedules.describe(temporalId);
  // Whether one that is gone was deleted, or is lost with all of Temporal's data, is for the watch to find out.
  if (view) await mirrorView(deps, row ?? undefined, view);
}

export interface FiredExecution {
  /** The id of its schedule in Temporal. */
  readonly temporalId: string;
  readonly identity: WorkflowIdentity;
}

export interface LookOptions extends LookDependencies {
  readonly store: Pick<Store, 'schedules' | 'execution'>;
  /** What kept it from looking: the run is opened by what is known. */
  readonly onError: (error: unknown) => void;
  readonly withinMs?: number;
}

/** A small part of the time in which a run is opened: one that Temporal does not answer for is not to wait. */
const lookWithinMs = 2_000;

/** What a worker calls before it opens a run that a schedule has started. Resolves in time, whatever becomes of the look. */
export function createScheduleLook(options: LookOptions): (fired: FiredExecution) => Promise<void> {
  const { withinMs = lookWithinMs } = options;
  const look = async ({ temporalId, identity }: FiredExecution): Promise<void> => {
    // Whoever made its row has looked, and admitted it.
    if ((await options.store.execution.epochOf(identity)) === null) await lookAtSchedule(options, temporalId);
  };
  return async (fired) => {
    const looked = new AbortController();
    const late = pause(withinMs, undefined, { signal: looked.signal }).then(() => {
      const told = `nothing was heard of the schedule ${fired.temporalId} within ${withinMs} ms`;
      throw new Error(`${told}: its run is opened by what was known of it before`);
    });
    await Promise.race([look(fired), late])
      .catch(options.onError)
      .finally(() => looked.abort());
  };
}
