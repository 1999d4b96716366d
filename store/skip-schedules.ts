// Times of schedules that make no run, since somebody has said so.
import type pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import { withSkip } from '../graph/schedules/skips.ts';
import {
  lockSchedule,
  readView,
  type ScheduleName,
  type ScheduleRow,
  toScheduleView,
} from './schedule-rows.ts';

export interface ScheduleSkip extends ScheduleName {
  readonly note: string | null;
  readonly actor: string;
}

/** Temporal fires it all the same: whoever opens its run finds that it was skipped (admit-slots.ts). */
export async function skipNext(client: pg.ClientBase, { project, name, note, actor }: ScheduleSkip) {
  const row = await lockSchedule(client, { project, name });
  const { skipAt, nextAt } = toScheduleView(row);
  if (skipAt !== null) return { made: toScheduleView(row), events: [] };
  if (nextAt === null) {
    const message = `Schedule "${name}" of project "${project}" ${whyNoNext(row)}`;
    throw new CodedError('SCHEDULE_HAS_NO_NEXT', message);
  }
  const skipped = withSkip(row.skipped, new Date(nextAt));
  await client.query('UPDATE schedule SET skipped = $2, updated_by = $3 WHERE id = $1', [
    row.id,
    skipped,
    actor,
  ]);
  const told = note === null ? nextAt : `${nextAt}: ${note}`;
  const event = { type: 'schedule', project, schedule: name, reason: 'skipped', actor, note: told } as const;
  return { made: await readView(client, row.id), events: [event] };
}

function whyNoNext({ paused, ended_at: endedAt, temporal_spec: spec }: ScheduleRow): string {
  if (endedAt === null && spec !== null)
    return "was written with Temporal's own tools: only Temporal reads its times.";
  if (endedAt === null && paused) return 'is paused: it has no next time until it is unpaused.';
  return 'fires no more.';
}
