// Random numbers of which a test can be made again: it tells its seed, and FAULT_SEED gives one.
export interface Random {
  readonly seed: number;
  /** A whole number from 0, below the limit. */
  below(limit: number): number;
}

/** The numbers of mulberry32. */
export function createRandom(
  seed = Number(process.env.FAULT_SEED ?? Math.floor(Math.random() * 2 ** 31)),
): Random {
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { seed, below: (limit) => Math.floor(next() * limit) };
}
