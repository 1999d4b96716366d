import type pg from 'pg';
import type { EventView } from '../graph/resources.ts';
import type { RunState } from '../graph/states.ts';

/** One entry of the feed. */
export interface NewEvent {
  readonly type: EventView['type'];
  /** Null where it is of the whole installation. */
  readonly project: EventView['project'];
  readonly graphRunId?: string | null;
  readonly jobRunId?: string | null;
  readonly job?: string | null;
  readonly state?: RunState | null;
  readonly reason?: string | null;
  readonly epoch?: number | null;
  readonly attempt?: number | null;
  readonly actor: string;
  readonly note?: string | null;
  /** The name of one. */
  readonly schedule?: string | null;
  readonly backfillId?: string | null;
}

/** The columns of `eventArrays`, in their order. */
export const eventColumns =
  'type, project, graph_run_id, job_run_id, job, state, reason, epoch, attempt, actor, note';

export const eventTypes = [
  ...[
    'text[]',
    'text[]',
    'uuid[]',
    'uuid[]',
    'text[]',
    'run_state[]',
    'text[]',
    'int[]',
    'int[]',
    'text[]',
    'text[]',
  ],
] as const;

export function eventArrays(events: readonly NewEvent[]): unknown[][] {
  return [
    events.map((event) => event.type),
    events.map((event) => event.project),
    events.map((event) => event.graphRunId ?? null),
    events.map((event) => event.jobRunId ?? null),
    events.map((event) => event.job ?? null),
    events.map((event) => event.state ?? null),
    events.map((event) => event.reason ?? null),
    events.map((event) => event.epoch ?? null),
    events.map((event) => event.attempt ?? null),
    events.map((event) => event.actor),
    events.map((event) => event.note ?? null),
  ];
}

/** Attempts, whose statement is of its own, are of no schedule. */
const allColumns = `${eventColumns}, schedule, backfill_id`;
const allTypes = [...eventTypes, 'text[]', 'uuid[]'];

const insertSql = `
  WITH counter AS (UPDATE event_counter SET last = last + $1::int WHERE id = 1 RETURNING last)
  INSERT INTO event (number, ${allColumns})
  SELECT counter.last - $1::int + e.place, ${allColumns}
  FROM counter, unnest(${allTypes.map((type, index) => `$${index + 2}::${type}`).join(', ')})
    WITH ORDINALITY AS e (${allColumns}, place)`;

/**
 * Adds events to the feed. The last statement of its transaction: the counter's lock is held to the commit, so numbers
 * come in commit order, without gaps, and nobody waits on it longer than a commit takes.
 */
export async function insertEvents(client: pg.ClientBase, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  const schedules = events.map((event) => event.schedule ?? null);
  const backfills = events.map((event) => event.backfillId ?? null);
  await client.query(insertSql, [events.length, ...eventArrays(events), schedules, backfills]);
}
