// Who among those that wait for pools is next: strictly as they came, the higher priority first. Pure.

/** What one job asks for: all of it at once, or nothing. */
export interface PoolRequest {
  readonly id: string;
  readonly priority: number;
  /** Its place in time, of all requests. */
  readonly number: number;
  /** By pool. */
  readonly slots: ReadonlyMap<string, number>;
}

export interface PoolRoom {
  readonly slots: number;
  readonly free: number;
}

/**
 * The requests that can be granted, in their order. One that cannot holds up all that wait behind it in any of its pools: else
 * a job that asks for much would wait for ever. Requests stand in one order over all pools, so that none of them waits for
 * another that waits for it. What asks for more than a pool has takes all of it.
 * @param rooms a pool that is not there limits nobody
 */
export function chooseGrants(
  rooms: ReadonlyMap<string, PoolRoom>,
  waiting: readonly PoolRequest[],
): PoolRequest[] {
  const free = new Map([...rooms].map(([pool, room]) => [pool, room.free]));
  const blocked = new Set<string>();
  return [...waiting].sort(byTurn).filter(({ slots }) => {
    const needs = [...slots].flatMap(([pool, asked]) => {
      const room = rooms.get(pool);
      return room ? [{ pool, need: Math.min(asked, room.slots) }] : [];
    });
    const fits = needs.every(({ pool, need }) => !blocked.has(pool) && (free.get(pool) ?? 0) >= need);
    for (const { pool, need } of needs) {
      if (fits) free.set(pool, (free.get(pool) ?? 0) - need);
      else blocked.add(pool);
    }
    return fits;
  });
}

function byTurn(a: PoolRequest, b: PoolRequest): number {
  return b.priority - a.priority || a.number - b.number;
}
