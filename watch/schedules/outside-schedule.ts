// A schedule of Temporal's, as its row has it.
import { readGraphRunInput } from '../../graph/run-inputs.ts';
import type { ScheduleDefinition } from '../../graph/schedules/definition.ts';
import { toText } from '../../store/json.ts';
import type { OutsideSchedule } from '../../store/mirror-schedules.ts';
import { workflowTypes } from '../../workflows/contract.ts';
import type { ScheduleInView } from './schedule-view.ts';

const yearSeconds = 365 * 86_400;

/** Null where its workflows are not runs of a project's graph, or its id is none that can be kept. */
export function toOutside(view: ScheduleInView): OutsideSchedule | null {
  const { temporalId, spec, seen, paused, note, timezone, overlap, catchUpWindowMs, pauseOnFailure } = view;
  const read = readGraphRunInput(view.input);
  if (view.workflowType !== workflowTypes.graphRun || !read.ok || toText(temporalId) !== temporalId)
    return null;
  const { project, params, select } = read.input;
  const definition: ScheduleDefinition = {
    timezone,
    overlap,
    pauseOnFailure,
    catchUp: { window: `${Math.max(1, Math.min(yearSeconds, Math.floor(catchUpWindowMs / 1_000)))}s` },
    ...(params && { params }),
    ...(select && { select }),
  };
  const updatedAt = new Date(Number(view.updatedAt / 1_000_000n));
  return { temporalId, project, definition, spec, seen, paused, note, updatedAt };
}
