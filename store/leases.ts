import type { Database } from './database.ts';

export interface Leases {
  /** Takes or renews a lease; false while another holder's lasts. */
  hold(name: string, holder: string, forMs: number): Promise<boolean>;
  /** Gives it back, so that another need not wait for its end. */
  release(name: string, holder: string): Promise<void>;
}

/** Times are Postgres' own, so that the clocks of the holders need not agree. */
export function createLeases(database: Database): Leases {
  return {
    hold: async (name, holder, forMs) => {
      const held = await database.pool.query(
        `INSERT INTO lease (name, holder, expires_at) VALUES ($1, $2, now() + $3 * interval '1 ms')
         ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
         WHERE lease.holder = excluded.holder OR lease.expires_at < now()`,
        [name, holder, forMs],
      );
      return held.rowCount === 1;
    },
    release: async (name, holder) => {
      await database.pool.query('DELETE FROM lease WHERE name = $1 AND holder = $2', [name, holder]);
    },
  };
}
