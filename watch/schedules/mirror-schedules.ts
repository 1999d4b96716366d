// Makes rows follow what was done to schedules with Temporal's own tools. The list shows new ones, pauses and times within a
// moment; what it does not show (policies, arguments) is found by looking at each in rotation, and before a time of it is admitted.
import type { MirroredSchedule } from '../../store/mirror-schedules.ts';
import type { Store } from '../../store/store.ts';
import { workflowTypes } from '../../workflows/contract.ts';
import { isTemporalError } from '../temporal-errors.ts';
import { workThrough } from '../work-through.ts';
import { mirrorView } from './mirror-view.ts';
import { probePrefix } from './push-schedule.ts';
import type { ListedSchedule, ScheduleViews } from './schedule-view.ts';

/** What one holder of the watch's lease keeps in mind of schedules. */
export interface ScheduleTenure {
  /** When it last looked. */
  lookedAt: number;
  /** Times as the list showed them when each was last looked at, by id in Temporal. */
  readonly times: Map<string, string>;
  /** Ids in Temporal that are none of ours: not looked at again for some time. */
  readonly strangers: Map<string, number>;
  /** Where the rotation goes on: an id of a row. */
  comparedTo: string;
}

export interface MirrorOptions {
  readonly store: Pick<Store, 'schedules'>;
  readonly temporal: { readonly schedules: ScheduleViews };
  readonly taskQueue: string;
  readonly signal: AbortSignal;
  readonly onError: (error: unknown) => void;
}

const lookEveryMs = 2_000;
/** Beside those that the list shows as changed. */
const comparedPerLook = 20;
const lookedAtOnce = 10;
const strangerForMs = 60_000;

const lostMessage =
  'Temporal has lost its data, or is another one than before: no schedule counts as deleted, and all are given to it again';

export function beginScheduleTenure(): ScheduleTenure {
  return { lookedAt: Number.NEGATIVE_INFINITY, times: new Map(), strangers: new Map(), comparedTo: '' };
}

/** @throws where Postgres or Temporal is away: the next look sees it all again */
export async function mirrorSchedules(options: MirrorOptions, tenure: ScheduleTenure): Promise<void> {
  if (performance.now() - tenure.lookedAt < lookEveryMs) return;
  const { store, temporal, signal, onError } = options;
  const namespaceId = await temporal.schedules.namespaceId();
  if (await store.schedules.enterNamespace(namespaceId)) return onError(new Error(lostMessage));
  const rows = await store.schedules.mirrored();
  const byId = new Map(rows.map((row) => [row.temporalId, row]));
  const listed = new Map<string, ListedSchedule>();
  for await (const page of temporal.schedules.list()) {
    for (const each of page) if (!each.temporalId.startsWith(probePrefix)) listed.set(each.temporalId, each);
  }
  const made = [...listed.values()].filter(
    ({ temporalId, workflowType }) =>
      !byId.has(temporalId) && workflowType === workflowTypes.graphRun && !isStranger(tenure, temporalId),
  );
  const items = [...made.map(({ temporalId }) => temporalId), ...toCompare(rows, listed, tenure)];
  const work = async (temporalId: string): Promise<void> => {
    await compareSchedule(options, tenure, temporalId, { row: byId.get(temporalId), namespaceId });
    const times = listed.get(temporalId)?.times;
    if (times !== undefined) tenure.times.set(temporalId, times);
  };
  await workThrough({ items: [...new Set(items)], atOnce: lookedAtOnce, signal, work, onError });
  tenure.lookedAt = performance.now();
}

/** Its project may have been made since. */
function isStranger({ strangers }: ScheduleTenure, temporalId: string): boolean {
  return performance.now() - (strangers.get(temporalId) ?? Number.NEGATIVE_INFINITY) < strangerForMs;
}

/** Ids in Temporal of rows that may differ: those of which the list tells otherwise, and the next in rotation. */
function toCompare(
  rows: readonly MirroredSchedule[],
  listed: ReadonlyMap<string, ListedSchedule>,
  tenure: ScheduleTenure,
): string[] {
  const applied = rows.filter((row) => row.pushedRevision > 0 && !row.isDeleted);
  const suspect = applied.filter((row) => {
    const { temporalId, paused, note, endedAt } = row;
    const shown = listed.get(temporalId);
    if (!shown) return !isForgotten(row);
    if (shown.paused !== paused || shown.note !== (note ?? '') || (shown.isOver && !endedAt)) return true;
    const times = tenure.times.get(temporalId);
    return times !== undefined && times !== shown.times;
  });
  const rest = applied.filter(({ id }) => id > tenure.comparedTo);
  const next = rest.slice(0, comparedPerLook);
  tenure.comparedTo = rest.length > comparedPerLook ? (next.at(-1)?.id ?? '') : '';
  return [...suspect, ...next].map(({ temporalId }) => temporalId);
}

/** The server forgets one that fires no more, a week after it last did. */
const forgottenAfterMs = 6 * 86_400_000;

function isForgotten({ endedAt, seen }: MirroredSchedule): boolean {
  return endedAt !== null && (!seen || Date.now() - endedAt.getTime() > forgottenAfterMs);
}

async function compareSchedule(
  { store, temporal, taskQueue }: MirrorOptions,
  tenure: ScheduleTenure,
  temporalId: string,
  { row, namespaceId }: { readonly row: MirroredSchedule | undefined; readonly namespaceId: string },
): Promise<void> {
  const view = await temporal.schedules.describe(temporalId).catch((error: unknown) => {
    // Most likely none of ours: the next look asks again.
    if (!row && isTemporalError(error)) return 'unanswered' as const;
    throw error;
  });
  if (view === 'unanswered') return;
  if (view || !row) {
    const isMirrored = view !== null && (await mirrorView({ store, taskQueue }, row, view));
    if (!isMirrored) tenure.strangers.set(temporalId, performance.now());
  } else if (row.pushedRevision === row.revision) {
    // Where it is another Temporal by now, nobody has deleted it there.
    const isDeleted = !isForgotten(row) && (await temporal.schedules.namespaceId()) === namespaceId;
    if (isDeleted) await store.schedules.deletedOutside(row);
  }
}
