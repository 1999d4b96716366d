import type { Fence } from '../graph/transitions.ts';
import type { Database } from './database.ts';

export interface NewCheckpoint {
  readonly jobRunId: string;
  readonly epoch: number;
  /** Of the attempt that saves it. */
  readonly fence: Fence;
  /** JSON text. */
  readonly text: string;
}

export interface Checkpoints {
  /** Replaces what was saved before; false, and nothing is written, where the attempt has been superseded or its job has ended. */
  save(checkpoint: NewCheckpoint): Promise<boolean>;
  /** JSON text of what was saved last in an epoch; null without one. */
  load(jobRunId: string, epoch: number): Promise<string | null>;
}

/**
 * As the transitions have it (graph/transitions.ts): the execution is the run's open Task, no newer attempt has begun, and the
 * job has not ended. The row's lock makes it wait for one that is being written.
 */
const saveSql = `
  INSERT INTO checkpoint (job_run_id, epoch, value, at)
  SELECT r.id, r.epoch, $5, now() FROM job_run r JOIN task t ON t.run_id = $3 AND t.epoch = r.epoch AND t.closed_at IS NULL
  WHERE r.id = $1 AND r.epoch = $2 AND r.state IN ('PENDING', 'RUNNING')
    AND (r.fence_run_id IS DISTINCT FROM $3 OR r.fence_scheduled_at <= $4)
  FOR NO KEY UPDATE OF r
  ON CONFLICT (job_run_id) DO UPDATE SET epoch = excluded.epoch, value = excluded.value, at = excluded.at`;

export function createCheckpoints(database: Database): Checkpoints {
  return {
    save: async ({ jobRunId, epoch, fence, text }) => {
      const at = new Date(fence.scheduledAtMs);
      const saved = await database.pool.query(saveSql, [jobRunId, epoch, fence.runId, at, text]);
      return saved.rowCount === 1;
    },
    load: async (jobRunId, epoch) => {
      const found = await database.pool.query<{ value: string }>(
        'SELECT value FROM checkpoint WHERE job_run_id = $1 AND epoch = $2',
        [jobRunId, epoch],
      );
      return found.rows[0]?.value ?? null;
    },
  };
}
