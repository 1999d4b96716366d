export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @throws Error without a value. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const min = sorted[0];
  const max = sorted.at(-1);
  if (min === undefined || max === undefined) throw new Error('there is nothing to take a median of');
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? max;
  const lower = sorted[middle - 1] ?? min;
  return { median: sorted.length % 2 === 1 ? upper : (lower + upper) / 2, min, max };
}

export function median(values: readonly number[]): number {
  return spread(values).median;
}
