import type { Database } from './database.ts';
import { isInLine } from './run-line.ts';

/** What operators watch, of the whole installation. */
export interface InstallationFacts {
  /** Of the last event. */
  readonly feedNumber: number;
  readonly openGraphRuns: Readonly<Record<'PENDING' | 'RUNNING', number>>;
  /** Of graph runs and lone job runs; 0 without any. */
  readonly oldestPendingSeconds: number;
  readonly watch: {
    /** What was done in Temporal longer ago than this is in the rows; null before the first whole turn. */
    readonly lagSeconds: number | null;
    readonly lastTurn: { readonly endedAt: Date; readonly lagSeconds: number } | null;
    readonly isBehind: boolean;
    /** Counts that only grow, by kind. */
    readonly corrections: ReadonlyMap<string, number>;
  };
}

export interface Metrics {
  read(): Promise<InstallationFacts>;
}

const correctionKinds = ['started', 'opened', 'adopted', 'ended', 'stuck', 'recovered'] as const;

interface FactsRow extends Readonly<Record<(typeof correctionKinds)[number], string>> {
  readonly feed: string;
  readonly pending: number;
  readonly running: number;
  readonly oldest_pending: number | null;
  readonly lag: number | null;
  readonly turn_lag_ms: string;
  readonly turn_ended_at: Date | null;
  readonly is_behind: boolean;
}

/** Small indexes hold what is open: its count does not depend on how much has ended. Ages are by Postgres' clock. */
const selectFacts = `
  SELECT c.last AS feed, waiting.pending, running.running,
    extract(epoch FROM now() - least(
      waiting.oldest, (SELECT min(created_at) FROM job_run WHERE is_waiting_alone)))::float8 AS oldest_pending,
    extract(epoch FROM now() - w.watched_until)::float8 AS lag, w.lag_ms AS turn_lag_ms, w.turn_ended_at, w.is_behind,
    ${correctionKinds.map((kind) => `w.${kind}`).join(', ')}
  FROM event_counter c, watch w,
    (SELECT count(*)::int AS pending, min(created_at) AS oldest FROM graph_run w WHERE is_waiting OR (${isInLine})) waiting,
    (SELECT count(*)::int AS running FROM task WHERE closed_at IS NULL AND graph_run_id IS NOT NULL) running`;

export function createMetrics(database: Database): Metrics {
  return {
    read: async (): Promise<InstallationFacts> => {
      const [row] = (await database.pool.query<FactsRow>(selectFacts)).rows;
      if (!row) throw new Error('the single rows of event_counter and watch are not there');
      return {
        feedNumber: Number(row.feed),
        openGraphRuns: { PENDING: row.pending, RUNNING: row.running },
        oldestPendingSeconds: row.oldest_pending ?? 0,
        watch: {
          lagSeconds: row.lag,
          lastTurn: row.turn_ended_at && {
            endedAt: row.turn_ended_at,
            lagSeconds: Number(row.turn_lag_ms) / 1_000,
          },
          isBehind: row.is_behind,
          corrections: new Map(correctionKinds.map((kind) => [kind, Number(row[kind])])),
        },
      };
    },
  };
}
