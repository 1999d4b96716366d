// Pools by name. What is held or waited for is never stored beside the claims.
import type pg from 'pg';
import { findPoolProblems, type KnownPools } from '../graph/check-pools.ts';
import { CodedError, type Problem } from '../graph/errors.ts';
import type { Graph } from '../graph/graph.ts';
import { limits } from '../graph/limits.ts';
import type { PoolView } from '../graph/pools.ts';
import type { Database } from './database.ts';
import { insertEvents } from './events.ts';
import { grantSlots, lockPools } from './pool-grants.ts';

export interface PutPool {
  readonly name: string;
  readonly slots: number;
  readonly description: string;
  readonly actor: string;
}

export interface Pools {
  /** By name. */
  list(): Promise<PoolView[]>;
  /** @throws CodedError POOL_UNKNOWN */
  get(name: string): Promise<PoolView>;
  /**
   * Makes a pool, or changes it: more slots are given to those that wait, fewer take nothing from those that hold them.
   * @throws CodedError POOL_IN_USE where a job of a current graph asks for more slots, TOO_MANY_POOLS
   */
  put(pool: PutPool): Promise<PoolView>;
  /** @throws CodedError POOL_UNKNOWN, POOL_IN_USE */
  remove(name: string, actor: string): Promise<void>;
  known(): Promise<KnownPools>;
}

interface PoolRow extends Omit<PoolView, 'createdAt' | 'updatedAt'> {
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const selectPool = `
  SELECT p.name, p.slots, p.description, p.created_at AS "createdAt", p.created_by AS "createdBy", p.updated_at AS "updatedAt",
    p.updated_by AS "updatedBy",
    (SELECT coalesce(sum(least(c.slots, p.slots)), 0)::int FROM pool_claim c WHERE c.pool = p.name AND c.granted_at IS NOT NULL) AS held,
    (SELECT count(*)::int FROM pool_claim c WHERE c.pool = p.name AND c.granted_at IS NULL) AS waiting
  FROM pool p`;

export function createPools(database: Database): Pools {
  const read = async (name: string | null): Promise<PoolView[]> => {
    const sql = `${selectPool} WHERE $1::text IS NULL OR p.name = $1 ORDER BY p.name`;
    return (await database.pool.query<PoolRow>(sql, [name])).rows.map(toView);
  };
  const get = async (name: string): Promise<PoolView> => {
    const [pool] = await read(name);
    if (!pool) throw unknownPool(name);
    return pool;
  };
  return {
    list: () => read(null),
    get,
    put: async (pool) => {
      await database.transaction((client) => putPool(client, pool));
      return get(pool.name);
    },
    remove: (name, actor) => database.transaction((client) => removePool(client, name, actor)),
    known: async () => {
      const found = await database.pool.query<{ name: string; slots: number }>(
        'SELECT name, slots FROM pool',
      );
      return new Map(found.rows.map(({ name, slots }) => [name, slots]));
    },
  };
}

async function putPool(client: pg.ClientBase, { name, slots, description, actor }: PutPool): Promise<void> {
  const before = await client.query<{ slots: number; description: string }>(
    'SELECT slots, description FROM pool WHERE name = $1 FOR UPDATE',
    [name],
  );
  const [known] = before.rows;
  if (known?.slots === slots && known.description === description) return;
  await client.query(
    `INSERT INTO pool (name, slots, description, created_by, updated_by) VALUES ($1, $2, $3, $4, $4)
     ON CONFLICT (name) DO UPDATE SET slots = excluded.slots, description = excluded.description, updated_at = now(),
       updated_by = excluded.updated_by`,
    [name, slots, description, actor],
  );
  const found = await client.query<{ count: number }>('SELECT count(*)::int AS count FROM pool');
  if ((found.rows[0]?.count ?? 0) > limits.pools) throw tooManyPools();
  const [most] = (await readUses(client, name)).sort((a, b) => b.slots - a.slots);
  if (most && most.slots > slots) {
    const asks = `a job of project "${most.project}" asks for ${most.slots} of its slots`;
    throw new CodedError(
      'POOL_IN_USE',
      `Pool "${name}" cannot have ${slots} slots: ${asks}; push its graph first.`,
    );
  }
  const locked = await lockPools(client, [name]);
  const granted = await grantSlots(client, locked, actor);
  const told = known ? `${known.slots} to ${slots} slots` : `${slots} slots`;
  const event = { ...poolEvent, reason: known ? 'changed' : 'created', actor, note: `${name}: ${told}` };
  await insertEvents(client, [...granted, event]);
}

const poolEvent = { type: 'pool', project: null } as const;

async function removePool(client: pg.ClientBase, name: string, actor: string): Promise<void> {
  const removed = await client.query('DELETE FROM pool WHERE name = $1', [name]);
  if (removed.rowCount === 0) throw unknownPool(name);
  const uses = (await readUses(client, name)).map(({ project }) => `"${project}"`);
  if (uses.length > 0) {
    const message = `Pool "${name}" is asked for by jobs of ${uses.slice(0, 5).join(', ')}; push graphs without it first.`;
    throw new CodedError('POOL_IN_USE', message);
  }
  const claims = await client.query('SELECT FROM pool_claim WHERE pool = $1 LIMIT 1', [name]);
  if (claims.rowCount) {
    const message = `Pool "${name}" is held or waited for by jobs that have not ended; wait for them or cancel their runs.`;
    throw new CodedError('POOL_IN_USE', message);
  }
  await insertEvents(client, [{ ...poolEvent, reason: 'deleted', actor, note: name }]);
}

/** Projects whose current graph asks for it, each with the most that one of its jobs does. */
async function readUses(client: pg.ClientBase, name: string): Promise<{ project: string; slots: number }[]> {
  const found = await client.query<{ project: string; slots: number }>(
    `SELECT p.name AS project, (v.graph #>> ARRAY['pools', $1])::int AS slots
     FROM project p JOIN graph_version v ON v.project_id = p.id AND v.version = p.current_version
     WHERE v.graph -> 'pools' ? $1 ORDER BY p.name`,
    [name],
  );
  return found.rows;
}

/**
 * Keeps the pools that a graph asks for as they are until it is stored.
 * @throws CodedError GRAPH_INVALID where one of them is not there, or has fewer slots by now
 */
export async function holdPools(client: pg.ClientBase, { pools, jobs }: Graph): Promise<void> {
  if (!pools) return;
  const found = await client.query<{ name: string; slots: number }>(
    'SELECT name, slots FROM pool WHERE name = ANY ($1::text[]) ORDER BY name FOR SHARE',
    [Object.keys(pools)],
  );
  const known = new Map(found.rows.map(({ name, slots }) => [name, slots]));
  const problems: Problem[] = jobs.flatMap(({ key, rules }) =>
    findPoolProblems(key, rules.pools ?? {}, known),
  );
  if (problems.length === 0) return;
  const message = `The graph asks for pools that are not there or are too small: ${problems[0]?.message}. Nothing was stored.`;
  throw new CodedError('GRAPH_INVALID', message, { problems: problems.slice(0, limits.problemsShown) });
}

function unknownPool(name: string): CodedError {
  return new CodedError('POOL_UNKNOWN', `There is no pool "${name.slice(0, 100)}".`);
}

function tooManyPools(): CodedError {
  return new CodedError('TOO_MANY_POOLS', `There are ${limits.pools} pools already, which is the limit.`);
}

function toView({ createdAt, updatedAt, ...row }: PoolRow): PoolView {
  return { ...row, createdAt: createdAt.toISOString(), updatedAt: updatedAt.toISOString() };
}
