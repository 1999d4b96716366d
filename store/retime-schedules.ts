import type pg from 'pg';
import type { ScheduleDefinition } from '../graph/schedules/definition.ts';
import { readSchedule } from '../graph/schedules/read-schedule.ts';
import { dropSkip, type SkippingRow } from './drop-skips.ts';
import type { NewEvent } from './events.ts';

/** Those that go by the clock of their project, which was put into another time zone. Answers with the events of it. */
export async function retimeSchedules(
  client: pg.ClientBase,
  project: { readonly id: string; readonly name: string },
  actor: string,
): Promise<NewEvent[]> {
  const found = await client.query<RetimedRow>(
    `UPDATE schedule s SET revision = revision + 1, defined_revision = revision + 1, defined_at = now(), updated_at = now(),
       updated_by = $2, ended_at = CASE WHEN ended_by = 'limit' THEN ended_at END, ended_by = nullif(ended_by, 'times')
     FROM project p
     WHERE p.id = $1 AND s.project_id = p.id AND s.deleted_at IS NULL AND NOT s.definition ? 'timezone'
     RETURNING s.id, p.name AS project, s.name, s.definition, s.skipped, p.timezone`,
    [project.id, actor],
  );
  const unskipped: NewEvent[] = [];
  for (const row of found.rows) {
    const read = readSchedule(row.definition, { timezone: row.timezone, now: Date.now() });
    if (read.ok) unskipped.push(...(await dropSkip(client, row, read.timing, actor)));
  }
  const retimed = found.rows.map(({ name }): NewEvent => {
    return { type: 'schedule', project: project.name, schedule: name, reason: 'retimed', actor };
  });
  return [...retimed, ...unskipped];
}

interface RetimedRow extends SkippingRow {
  readonly definition: ScheduleDefinition;
  readonly timezone: string;
}
