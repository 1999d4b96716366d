// What the runs that a schedule has made tell of those to come.
import type { PastDurations } from '../graph/schedules/simulate.ts';
import type { Database } from './database.ts';
import type { ScheduleName } from './schedule-rows.ts';

export interface PastRunsOfSchedule {
  /** How many it has made of its limit. */
  readonly made: number;
  /** Of its last ones that have ended; else of the project's; null where none has. */
  readonly durations: PastDurations | null;
}

export interface PastRuns {
  /** Nothing of one that is not there. */
  ofSchedule(name: ScheduleName): Promise<PastRunsOfSchedule>;
}

/** Of a schedule: runs of its limit, which Temporal counts. Backfills and triggers are none. */
export const countMade = (scheduleId: string) =>
  `(SELECT count(*)::int FROM graph_run r WHERE r.schedule_id = ${scheduleId} AND r.origin = 'schedule' AND r.is_slot)`;

/** Earlier ones tell less: the graph was another one. */
const runsMax = 200;

interface DurationsRow {
  readonly runs: number;
  readonly median: number | null;
  readonly p95: number | null;
}

export function createPastRuns({ pool }: Database): PastRuns {
  const durations = async (of: string, values: readonly string[]): Promise<DurationsRow | undefined> => {
    const found = await pool.query<DurationsRow>(
      `SELECT count(*)::int AS runs, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS median,
         percentile_cont(0.95) WITHIN GROUP (ORDER BY ms) AS p95
       FROM (
         SELECT extract(epoch FROM r.completed_at - r.started_at)::float8 * 1000 AS ms FROM graph_run r
         WHERE ${of} AND r.state IN ('SUCCESS', 'FAILED') AND r.started_at IS NOT NULL AND r.completed_at >= r.started_at
         ORDER BY r.created_at DESC LIMIT ${runsMax}
       ) ended`,
      [...values],
    );
    return found.rows[0];
  };
  return {
    ofSchedule: async ({ project, name }) => {
      const found = await pool.query<{ id: string; project_id: string; made: number }>(
        `SELECT s.id, s.project_id, ${countMade('s.id')} AS made
         FROM schedule s JOIN project p ON p.id = s.project_id
         WHERE p.name = $1 AND s.name = $2 AND s.deleted_at IS NULL`,
        [project, name],
      );
      const [schedule] = found.rows;
      if (!schedule) return { made: 0, durations: null };
      const own = toDurations('schedule', await durations('r.schedule_id = $1', [schedule.id]));
      return {
        made: schedule.made,
        durations: own ?? toDurations('project', await durations('r.project_id = $1', [schedule.project_id])),
      };
    },
  };
}

function toDurations(of: PastDurations['of'], row: DurationsRow | undefined): PastDurations | null {
  if (!row || row.median === null || row.p95 === null) return null;
  return { of, runs: row.runs, medianMs: Math.round(row.median), p95Ms: Math.round(row.p95) };
}
