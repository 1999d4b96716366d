import { describe, expect, it } from 'vitest';
import { chooseGrants, type PoolRequest } from '../../graph/pool-line.ts';

const rooms = (free: Record<string, number>, slots = 10) =>
  new Map(Object.entries(free).map(([pool, room]) => [pool, { slots, free: room }]));

/** As `id: pools, priority`, in the order in which they came. */
function requests(...asked: readonly [string, Record<string, number>, number?][]): PoolRequest[] {
  return asked.map(([id, slots, priority = 0], number) => {
    return { id, priority, number, slots: new Map(Object.entries(slots)) };
  });
}

const idsOf = (chosen: readonly PoolRequest[]) => chosen.map(({ id }) => id);

describe('who waits for a pool', () => {
  it('gets slots as they came, as many as are free', () => {
    const waiting = requests(['a', { db: 1 }], ['b', { db: 2 }], ['c', { db: 1 }]);
    expect(idsOf(chooseGrants(rooms({ db: 3 }), [...waiting].reverse()))).toEqual(['a', 'b']);
    expect(idsOf(chooseGrants(rooms({ db: 0 }), waiting))).toEqual([]);
  });

  it('is not overtaken by what asks for less', () => {
    const waiting = requests(['big', { db: 5 }], ['small', { db: 1 }]);
    expect(idsOf(chooseGrants(rooms({ db: 4 }), waiting))).toEqual([]);
    expect(idsOf(chooseGrants(rooms({ db: 6 }), waiting))).toEqual(['big', 'small']);
  });

  it('is overtaken by a higher priority alone, among which order holds', () => {
    const waiting = requests(
      ['a', { db: 1 }],
      ['b', { db: 1 }, 5],
      ['c', { db: 1 }, 5],
      ['d', { db: 1 }, -1],
    );
    expect(idsOf(chooseGrants(rooms({ db: 3 }), waiting))).toEqual(['b', 'c', 'a']);
  });

  it('gets all of its pools at once or none, and holds up those behind it in each', () => {
    const waiting = requests(
      ['both', { db: 1, api: 1 }],
      ['db', { db: 1 }],
      ['api', { api: 1 }],
      ['x', { x: 1 }],
    );
    expect(idsOf(chooseGrants(rooms({ db: 5, api: 0, x: 1 }), waiting))).toEqual(['x']);
    expect(idsOf(chooseGrants(rooms({ db: 1, api: 2, x: 0 }), waiting))).toEqual(['both', 'api']);
  });

  it('never waits for somebody who waits for it, whatever pools they share', () => {
    const waiting = requests(['ab', { a: 1, b: 1 }], ['bc', { b: 1, c: 1 }], ['ca', { c: 1, a: 1 }]);
    const order: string[] = [];
    let rest = waiting;
    while (rest.length > 0) {
      const chosen = idsOf(chooseGrants(rooms({ a: 1, b: 1, c: 1 }, 1), rest));
      expect(chosen.length).toBeGreaterThan(0);
      order.push(...chosen);
      // They end, and all is free again.
      rest = rest.filter(({ id }) => !chosen.includes(id));
    }
    expect(order).toEqual(['ab', 'bc', 'ca']);
  });

  it('gets all of a pool where it asks for more than that has, and is not held by one that is not there', () => {
    const waiting = requests(['huge', { db: 50 }], ['small', { db: 1 }], ['gone', { nowhere: 3 }]);
    expect(idsOf(chooseGrants(rooms({ db: 3 }, 3), waiting))).toEqual(['huge', 'gone']);
    expect(idsOf(chooseGrants(rooms({ db: 2 }, 3), waiting))).toEqual(['gone']);
  });
});
