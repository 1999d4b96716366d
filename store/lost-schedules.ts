// Temporal that has lost its data, or is another one: its schedules were not deleted by anybody.
import type pg from 'pg';
import { insertEvents, type NewEvent } from './events.ts';
import { temporalActor } from './schedule-actors.ts';

/**
 * Notes the namespace by its id, which is made with it. Where it was another one, Temporal is to be told of all schedules again.
 * Answers with whether it was.
 */
export async function enterNamespace(client: pg.ClientBase, namespaceId: string): Promise<boolean> {
  const entered = await client.query<{ before: string | null }>(
    `UPDATE watch SET namespace_id = $1 FROM (SELECT namespace_id AS before FROM watch WHERE id = 1 FOR UPDATE) AS known
     WHERE id = 1 AND namespace_id IS DISTINCT FROM $1 RETURNING known.before`,
    [namespaceId],
  );
  const before = entered.rows[0]?.before ?? null;
  if (before === null) return false;
  const lost = await client.query<{ project: string; name: string }>(
    `UPDATE schedule s SET revision = revision + 1, seen = NULL, seen_paused = NULL, seen_note = NULL FROM project p
     WHERE p.id = s.project_id AND s.deleted_at IS NULL AND s.pushed_revision > 0 RETURNING p.name AS project, s.name`,
  );
  const note = 'Temporal has lost its data, or is another one: it is told of the schedule again';
  const events = lost.rows.map(({ project, name: schedule }): NewEvent => {
    return { type: 'schedule', project, schedule, reason: 'lost', actor: temporalActor, note };
  });
  await insertEvents(client, events);
  return true;
}
