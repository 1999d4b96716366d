import { limits } from '../graph/limits.ts';
import type { Database } from './database.ts';

export interface Housekeeping {
  /** Deletes one batch of each kind of row whose time is over; false when nothing more is to be deleted now. */
  deleteBatch(batchRows: number): Promise<boolean>;
}

/**
 * What is deleted when its time is over, oldest first. Each statement deletes at most $1 rows, which it finds by an index,
 * and may run in several processes at once. To have more deleted, add a statement.
 */
const statements: readonly string[] = [
  // A beginning of the feed, so that no gap arises, and never the newest: the oldest tells readers what they have missed.
  `WITH batch AS (SELECT number, at FROM event ORDER BY number LIMIT $1),
     kept AS (SELECT min(number) AS number FROM batch WHERE at >= now() - interval '${limits.eventsKeptDays} days')
   DELETE FROM event WHERE number IN (SELECT number FROM batch)
     AND number < coalesce((SELECT number FROM kept), (SELECT max(number) FROM event))`,

  `DELETE FROM idempotency_key WHERE (actor, key) IN (
     SELECT actor, key FROM idempotency_key WHERE created_at < now() - interval '${limits.idempotencyKeyHours} hours'
     ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED)`,
];

export function createHousekeeping(database: Database): Housekeeping {
  return {
    deleteBatch: async (batchRows) => {
      let isMore = false;
      for (const sql of statements) {
        const { rowCount } = await database.pool.query(sql, [batchRows]);
        isMore ||= rowCount === batchRows;
      }
      return isMore;
    },
  };
}
