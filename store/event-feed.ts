import { CodedError } from '../graph/errors.ts';
import type { EventPage, EventView } from '../graph/resources.ts';
import type { Database } from './database.ts';

export interface EventFilter {
  readonly project?: string | undefined;
  /** The id of a graph run. */
  readonly graphRun?: string | undefined;
}

export interface EventQuery extends EventFilter {
  /** The last number that was read; 0 begins with the oldest that is kept, `latest` with what comes from now on. */
  readonly after: number | 'latest';
  readonly limit: number;
}

export interface Events {
  /**
   * The feed from a number on, in order and without gaps: whoever goes on with `readTo` sees every event once.
   * @throws CodedError EVENTS_EXPIRED, CURSOR_INVALID
   */
  list(query: EventQuery): Promise<EventPage>;
}

interface FeedRow {
  readonly last: string;
  /** Null in a feed without events. */
  readonly oldest: string | null;
  /** Null where no event follows. */
  readonly number: string | null;
  readonly at: Date;
  readonly type: EventView['type'];
  readonly project: string | null;
  readonly graph_run_id: string | null;
  readonly job_run_id: string | null;
  readonly job: string | null;
  readonly state: EventView['state'];
  readonly reason: string | null;
  readonly epoch: number | null;
  readonly attempt: number | null;
  readonly actor: string;
  readonly note: string | null;
  readonly schedule: string | null;
  readonly backfill_id: string | null;
}

/**
 * One statement, hence one snapshot: numbers are given in order of commit (events.ts), so that all up to the counter's last
 * are there to be seen.
 */
const selectEvents = `
  SELECT counter.last, oldest.number AS oldest, e.number, e.at, e.type, e.project, e.graph_run_id, e.job_run_id, e.job,
         e.state, e.reason, e.epoch, e.attempt, e.actor, e.note, e.schedule, e.backfill_id
  FROM event_counter counter
  LEFT JOIN LATERAL (SELECT number FROM event ORDER BY number LIMIT 1) oldest ON true
  LEFT JOIN LATERAL (
    SELECT * FROM event
    WHERE number > $1 AND ($3::text IS NULL OR project = $3) AND ($4::uuid IS NULL OR graph_run_id = $4)
    ORDER BY number LIMIT $2
  ) e ON true
  ORDER BY e.number`;

export function createEvents(database: Database): Events {
  return {
    list: async (query) => {
      const { after, limit, project = null, graphRun = null } = query;
      if (after === 'latest') return { items: [], nextCursor: null, readTo: await readLast(database) };
      const values = [after, limit + 1, project, graphRun];
      return toPage(query, after, (await database.pool.query<FeedRow>(selectEvents, values)).rows);
    },
  };
}

async function readLast(database: Database): Promise<number> {
  const found = await database.pool.query<{ last: string }>('SELECT last FROM event_counter');
  return Number(found.rows[0]?.last ?? 0);
}

function toPage({ limit }: EventQuery, after: number, rows: readonly FeedRow[]): EventPage {
  const last = Number(rows[0]?.last ?? 0);
  const oldest = Number(rows[0]?.oldest ?? last + 1);
  if (after > last) throw beyondFeed(after, last);
  if (after > 0 && after + 1 < oldest) throw expired(after, oldest);
  const items = rows.flatMap((row) => (row.number === null ? [] : [toView(row, row.number)])).slice(0, limit);
  const end = items.at(-1);
  if (rows.length <= limit || end === undefined) return { items, nextCursor: null, readTo: last };
  return { items, nextCursor: String(end.number), readTo: end.number };
}

/** Such as after a restore: a reader that went on would miss what has these numbers now. */
function beyondFeed(after: number, last: number): CodedError {
  return new CodedError(
    'CURSOR_INVALID',
    `Number ${after} is beyond the feed, whose last event is ${last}; begin again without it.`,
  );
}

function expired(after: number, oldest: number): CodedError {
  const message = `Events that follow number ${after} are not kept any more: the oldest is ${oldest}. Read the state anew, then go on after ${oldest - 1}.`;
  return new CodedError('EVENTS_EXPIRED', message, { data: { oldest } });
}

function toView(row: FeedRow, number: string): EventView {
  return {
    number: Number(number),
    at: row.at.toISOString(),
    type: row.type,
    project: row.project,
    graphRunId: row.graph_run_id,
    jobRunId: row.job_run_id,
    job: row.job,
    state: row.state,
    reason: row.reason,
    epoch: row.epoch,
    attempt: row.attempt,
    actor: row.actor,
    note: row.note,
    schedule: row.schedule,
    backfillId: row.backfill_id,
  };
}
