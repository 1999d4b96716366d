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

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of the straight line with the least squares, y by x. @throws Error without two different x. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const xMean = mean(points.map(([x]) => x));
  const yMean = mean(points.map(([, y]) => y));
  const xSquares = points.reduce((sum, [x]) => sum + (x - xMean) ** 2, 0);
  if (!(xSquares > 0)) throw new Error('a slope takes two points that differ');
  return points.reduce((sum, [x, y]) => sum + (x - xMean) * (y - yMean), 0) / xSquares;
}
