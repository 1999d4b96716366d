import type pg from 'pg';
import { skipToDrop } from '../graph/schedules/skips.ts';
import type { Timing } from '../graph/schedules/timing.ts';
import type { NewEvent } from './events.ts';

export interface SkippingRow {
  readonly id: string;
  readonly project: string;
  readonly name: string;
  readonly skipped: readonly Date[];
}

/** After a change of its times: a time that it does not have any more cannot be skipped. Answers with the event of it. */
export async function dropSkip(
  client: pg.ClientBase,
  row: SkippingRow,
  timing: Timing,
  actor: string,
): Promise<NewEvent[]> {
  const dropped = skipToDrop(row.skipped, timing, Date.now());
  if (!dropped) return [];
  await client.query(
    'UPDATE schedule SET skipped = array_remove(skipped, $2::timestamptz(3)) WHERE id = $1',
    [row.id, dropped],
  );
  const note = `${dropped.toISOString()}: it is no time of the schedule any more`;
  return [{ type: 'schedule', project: row.project, schedule: row.name, reason: 'unskipped', actor, note }];
}
