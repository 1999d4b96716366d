// How far the watch has come: one row, which a new holder of its lease takes over from the last.
import type pg from 'pg';
import type { Database } from './database.ts';
import { insertEvents } from './events.ts';
import type { Corrections, TurnBegin, TurnEnd } from './watching.ts';

export async function beginTurn({ pool }: Database): Promise<TurnBegin> {
  const found = await pool.query<TurnBegin>(
    'SELECT now() AS "begunAt", listed_until AS "listedUntil" FROM watch WHERE id = 1',
  );
  const row = found.rows[0];
  if (!row) throw new Error('the table watch has lost its row; insert one with id 1');
  return row;
}

/** Once, when what was done in Temporal has waited for longer than `behindAfterMs`. */
export async function noteLag(client: pg.ClientBase, behindAfterMs: number): Promise<void> {
  const { rowCount } = await client.query(
    `UPDATE watch SET is_behind = true
     WHERE id = 1 AND NOT is_behind AND watched_until < now() - $1 * interval '1 ms'`,
    [behindAfterMs],
  );
  if (rowCount === 1) await tell(client, 'behind');
}

/** Only the lease's holder moves the watch on: one that has lost it may have seen less than its successor. */
export async function endTurn(client: pg.ClientBase, turn: TurnEnd): Promise<void> {
  const { begunAt, listedUntil, behindAfterMs, lease, holder } = turn;
  const before = await client.query<{ is_behind: boolean }>(
    `SELECT is_behind FROM watch
     WHERE id = 1 AND EXISTS (SELECT FROM lease WHERE name = $1 AND holder = $2 AND expires_at > now()) FOR UPDATE`,
    [lease, holder],
  );
  const wasBehind = before.rows[0]?.is_behind;
  if (wasBehind === undefined) return;
  const after = await client.query<{ is_behind: boolean }>(
    `UPDATE watch SET listed_until = greatest(listed_until, $1), watched_until = greatest(watched_until, $2),
       turn_ended_at = now(), is_behind = now() - $2 > $3 * interval '1 ms',
       lag_ms = greatest(0, extract(epoch FROM now() - coalesce(watched_until, $2)) * 1000)::bigint
     WHERE id = 1 RETURNING is_behind`,
    [listedUntil, begunAt, behindAfterMs],
  );
  const isBehind = after.rows[0]?.is_behind ?? false;
  if (isBehind !== wasBehind) await tell(client, isBehind ? 'behind' : 'caught_up');
}

export async function countCorrections({ pool }: Database, counts: Corrections): Promise<void> {
  await pool.query(
    `UPDATE watch SET started = started + $1, opened = opened + $2, adopted = adopted + $3, ended = ended + $4,
       stuck = stuck + $5, recovered = recovered + $6 WHERE id = 1`,
    [counts.started, counts.opened, counts.adopted, counts.ended, counts.stuck, counts.recovered],
  );
}

async function tell(client: pg.ClientBase, reason: 'behind' | 'caught_up'): Promise<void> {
  await insertEvents(client, [{ type: 'watch', project: null, reason, actor: 'watch' }]);
}
