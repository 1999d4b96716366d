// Slots of pools, given to those who wait for them. Who asks, frees or gives locks the pools first, in order of their names, and
// after the rows of the job runs that it is about; nobody locks a job run after a pool.
import type pg from 'pg';
import { chooseGrants, type PoolRequest, type PoolRoom } from '../graph/pool-line.ts';
import type { Database } from './database.ts';
import { insertEvents, type NewEvent } from './events.ts';
import { type GrantedJob, type LeftToGive, noteGranted } from './granted.ts';

/** Of a line, how far from its head others pools are looked for that are to be locked as well. */
const linkedPerLine = 20;

/**
 * Locks pools, and those that a request which is next in one of them asks for as well: when that one is granted, all of them
 * change.
 */
export async function lockPools(client: pg.ClientBase, names: readonly string[]): Promise<string[]> {
  const found = await client.query<{ name: string }>(
    `WITH RECURSIVE linked (pool) AS (
       SELECT unnest($1::text[])
       UNION
       SELECT b.pool FROM linked l, LATERAL (
         SELECT w.job_run_id FROM pool_claim w WHERE w.pool = l.pool AND w.is_one_of_many AND w.granted_at IS NULL
         ORDER BY w.priority DESC, w.number LIMIT ${linkedPerLine}) a JOIN pool_claim b ON b.job_run_id = a.job_run_id
     )
     SELECT p.name FROM pool p WHERE p.name IN (SELECT pool FROM linked) ORDER BY p.name FOR UPDATE`,
    [names],
  );
  return found.rows.map(({ name }) => name);
}

interface RoomRow extends PoolRoom {
  readonly name: string;
}

/** No more than have room are read: each takes a slot at least. */
const waitingSql = `
  SELECT c.job_run_id AS id, c.priority, c.number::float8 AS number, c.pool, c.slots FROM pool_claim c
  WHERE c.granted_at IS NULL AND c.job_run_id IN (
    SELECT next.job_run_id FROM unnest($1::text[], $2::int[]) AS p (name, free), LATERAL (
      SELECT w.job_run_id FROM pool_claim w WHERE w.pool = p.name AND w.granted_at IS NULL
      ORDER BY w.priority DESC, w.number LIMIT p.free) next)`;

/** Of the job run `r` and its graph run `g`: that which carries it out now, which a reset may have made of an earlier one. */
export const workflowOfClaim = `coalesce(
  (SELECT t.workflow_id FROM task t WHERE t.graph_run_id = r.graph_run_id AND t.closed_at IS NULL ORDER BY t.opened_at DESC LIMIT 1),
  (SELECT t.workflow_id FROM task t WHERE t.job_run_id = r.id AND t.closed_at IS NULL ORDER BY t.opened_at DESC LIMIT 1),
  g.workflow_id, r.workflow_id)`;

const grantSql = `
  WITH granted AS (
    UPDATE pool_claim SET granted_at = now() WHERE job_run_id = ANY ($1::uuid[]) RETURNING job_run_id, number
  )
  SELECT r.id AS "jobRunId", n.number::float8 AS number, (extract(epoch FROM now()) * 1000)::float8 AS "grantedAtMs", j.key AS job, p.name AS project, r.graph_run_id AS "graphRunId", r.epoch, r.attempts,
    ${workflowOfClaim} AS "workflowId"
  FROM job_run r JOIN job j ON j.id = r.job_id JOIN project p ON p.id = r.project_id LEFT JOIN graph_run g ON g.id = r.graph_run_id
    JOIN (SELECT DISTINCT job_run_id, number FROM granted) n ON n.job_run_id = r.id`;

interface GrantedRow extends GrantedJob {
  readonly project: string;
  readonly epoch: number;
  readonly attempts: number;
}

/**
 * Gives what is free in locked pools. The events are for the caller to add as its transaction's last statement.
 * @param asking job runs that are answered by the caller: they are not told
 */
export async function grantSlots(
  client: pg.ClientBase,
  locked: readonly string[],
  actor: string,
  asking: ReadonlySet<string> = new Set(),
): Promise<NewEvent[]> {
  const rooms = await client.query<RoomRow>(
    `SELECT p.name, p.slots, greatest(0, p.slots - coalesce(
       (SELECT sum(least(c.slots, p.slots)) FROM pool_claim c WHERE c.pool = p.name AND c.granted_at IS NOT NULL), 0))::int AS free
     FROM pool p WHERE p.name = ANY ($1::text[])`,
    [locked],
  );
  const open = rooms.rows.filter(({ free }) => free > 0);
  if (open.length === 0) return [];
  const waiting = await client.query<{
    id: string;
    priority: number;
    number: number;
    pool: string;
    slots: number;
  }>(waitingSql, [open.map(({ name }) => name), open.map(({ free }) => free)]);
  const requests = requestsOf(waiting.rows);
  const { known, others } = await roomsOf(client, rooms.rows, waiting.rows);
  const chosen = chooseGrants(new Map([...known, ...others]), requests);
  if (others.size > 0)
    noteLeft(client, chooseGrants(new Map([...known, ...emptied(others)]), requests), chosen, actor);
  if (chosen.length === 0) return [];
  const granted = await client.query<GrantedRow>(grantSql, [chosen.map(({ id }) => id)]);
  const told = granted.rows.filter(({ jobRunId }) => !asking.has(jobRunId));
  noteGranted(client, { jobs: told });
  return told.map(({ jobRunId, job, project, graphRunId, epoch, attempts }) => {
    return {
      type: 'job_run',
      project,
      graphRunId,
      jobRunId,
      job,
      state: 'PENDING',
      epoch,
      attempt: attempts,
      actor,
    };
  });
}

/** Gives what another transaction could not, since somebody asked for more pools than it had locked. */
export async function grantLeft(database: Database, { pools, actor }: LeftToGive): Promise<void> {
  await database.transaction(async (client) => {
    await insertEvents(client, await grantSlots(client, await lockPools(client, pools), actor));
  });
}

interface Rooms {
  readonly known: ReadonlyMap<string, PoolRoom>;
  /** Pools that are there and not locked: nothing is given of them. */
  readonly others: ReadonlyMap<string, PoolRoom>;
}

async function roomsOf(
  client: pg.ClientBase,
  locked: readonly RoomRow[],
  waiting: readonly { readonly pool: string }[],
): Promise<Rooms> {
  const known = new Map<string, PoolRoom>(locked.map(({ name, ...room }) => [name, room]));
  const names = [...new Set(waiting.map(({ pool }) => pool))].filter((pool) => !known.has(pool));
  if (names.length === 0) return { known, others: new Map() };
  const found = await client.query<{ name: string; slots: number }>(
    'SELECT name, slots FROM pool WHERE name = ANY ($1::text[])',
    [names],
  );
  return { known, others: new Map(found.rows.map(({ name, slots }) => [name, { slots, free: 0 }])) };
}

function emptied(rooms: ReadonlyMap<string, PoolRoom>): [string, PoolRoom][] {
  return [...rooms].map(([pool, { slots }]) => [pool, { slots, free: slots }]);
}

/** What could be given if pools that are not locked have room: for another transaction to find out. */
function noteLeft(
  client: pg.ClientBase,
  possible: readonly PoolRequest[],
  chosen: readonly PoolRequest[],
  actor: string,
): void {
  const given = new Set(chosen);
  const left = possible.filter((request) => !given.has(request));
  const pools = new Set(left.flatMap(({ slots }) => [...slots.keys()]));
  if (pools.size > 0) noteGranted(client, { left: [{ pools: [...pools], actor }] });
}

function requestsOf(
  rows: readonly { id: string; priority: number; number: number; pool: string; slots: number }[],
): PoolRequest[] {
  const requests = new Map<string, PoolRequest & { readonly slots: Map<string, number> }>();
  for (const { id, priority, number, pool, slots } of rows) {
    const request = requests.get(id) ?? { id, priority, number, slots: new Map<string, number>() };
    request.slots.set(pool, slots);
    requests.set(id, request);
  }
  return [...requests.values()];
}

/**
 * Frees what job runs hold or wait for in pools, since they have ended or begin anew, and gives it to the next. The job runs
 * are locked. The events are for the caller, as above.
 */
export async function freeSlots(
  client: pg.ClientBase,
  jobRunIds: readonly string[],
  actor: string,
): Promise<NewEvent[]> {
  const found = await client.query<{ pool: string }>(
    'SELECT DISTINCT pool FROM pool_claim WHERE job_run_id = ANY ($1::uuid[])',
    [jobRunIds],
  );
  return freeSlotsOf(
    client,
    jobRunIds,
    found.rows.map(({ pool }) => pool),
    actor,
  );
}

/** The same where it is known which pools they are. */
export async function freeSlotsOf(
  client: pg.ClientBase,
  jobRunIds: readonly string[],
  pools: readonly string[],
  actor: string,
): Promise<NewEvent[]> {
  if (pools.length === 0) return [];
  const locked = await lockPools(client, pools);
  await client.query('DELETE FROM pool_claim WHERE job_run_id = ANY ($1::uuid[])', [jobRunIds]);
  return grantSlots(client, locked, actor);
}
