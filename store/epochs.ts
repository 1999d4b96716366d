import { LRUCache } from 'lru-cache';
import type pg from 'pg';

/** The epochs that executions carry out: they never change, so this process keeps those that it has seen. */
export interface Epochs {
  note(runId: string, epoch: number): void;
  /** Undefined for an execution that never opened a run. */
  find(runId: string): Promise<number | undefined>;
}

const keptMax = 10_000;

export function createEpochs(pool: pg.Pool): Epochs {
  const known = new LRUCache<string, number>({ max: keptMax });
  return {
    note: (runId, epoch) => void known.set(runId, epoch),
    find: async (runId) => {
      const kept = known.get(runId);
      if (kept !== undefined) return kept;
      const found = await pool.query<{ epoch: number }>('SELECT epoch FROM task WHERE run_id = $1', [runId]);
      const epoch = found.rows[0]?.epoch;
      if (epoch !== undefined) known.set(runId, epoch);
      return epoch;
    },
  };
}
