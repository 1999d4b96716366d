// What is left of a deleted project while its part of the warehouse is still there: metadata and warehouse are two
// databases, so the row is written with the delete, and the watch drops what it stands for.
import type pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import type { Database } from './database.ts';

export interface Tombstone {
  readonly name: string;
  /** Of the warehouse's fence: above those of all attempts of the project. */
  readonly token: bigint;
  /** Ids of its schedules, which Temporal may still have. */
  readonly schedules: readonly string[];
}

export interface Tombstones {
  /** Those that are to be tried now, oldest first. */
  due(most: number): Promise<Tombstone[]>;
  /** The warehouse has nothing of it any more: the name is free. */
  remove(tombstone: Tombstone): Promise<void>;
  /** It could not be dropped yet: whoever asks for the name is told why, and it is tried again later. */
  postpone(tombstone: Tombstone, problem: string): Promise<void>;
}

const retryAfter = '10 seconds';

export function createTombstones(database: Database): Tombstones {
  return {
    due: async (most) => {
      const found = await database.pool.query<{ name: string; token: string; schedules: string[] }>(
        `SELECT name, token, schedules FROM project_tombstone WHERE retry_at IS NULL OR retry_at < now()
         ORDER BY deleted_at LIMIT $1`,
        [most],
      );
      return found.rows.map(({ token, ...row }) => ({ ...row, token: BigInt(token) }));
    },
    remove: async ({ name, token }) => {
      await database.pool.query('DELETE FROM project_tombstone WHERE name = $1 AND token = $2', [
        name,
        token,
      ]);
    },
    postpone: async ({ name, token }, problem) => {
      await database.pool.query(
        `UPDATE project_tombstone SET problem = $3, retry_at = now() + $4::interval WHERE name = $1 AND token = $2`,
        [name, token, problem, retryAfter],
      );
    },
  };
}

/** After the project's rows are gone: an attempt that was about to begin has taken its token by then, or finds no row. */
export async function layTombstone(
  client: pg.ClientBase,
  {
    name,
    schedules,
    actor,
  }: { readonly name: string; readonly schedules: readonly string[]; readonly actor: string },
): Promise<void> {
  await client.query(
    `INSERT INTO project_tombstone (name, token, schedules, deleted_by) VALUES ($1, nextval('fence_token'), $2, $3)
     ON CONFLICT (name) DO UPDATE SET token = excluded.token, schedules = excluded.schedules, problem = NULL, retry_at = NULL`,
    [name, schedules, actor],
  );
}

/**
 * A project must not meet the tables of an earlier one of its name. After its row was inserted: a delete that is under way
 * was waited for then.
 * @throws CodedError PROJECT_BEING_DELETED
 */
export async function refuseTombstone(client: pg.ClientBase, name: string): Promise<void> {
  const found = await client.query<{ problem: string | null }>(
    'SELECT problem FROM project_tombstone WHERE name = $1',
    [name],
  );
  const [tombstone] = found.rows;
  if (!tombstone) return;
  const problem = tombstone.problem?.replace(/\.$/, '');
  const why = problem === undefined ? '' : ` So far it could not be dropped: ${problem}.`;
  throw new CodedError(
    'PROJECT_BEING_DELETED',
    `The data of an earlier project "${name}" is still being deleted; try again in a moment.${why}`,
  );
}
