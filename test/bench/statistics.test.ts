import { describe, expect, it } from 'vitest';
import { slope, spread } from '../../bench/statistics.ts';

describe('the spread of figures', () => {
  it('takes the middle one of an odd number, and the mean of two of an even one', () => {
    expect(spread([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(spread([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
  });

  it('orders by number, not by text', () => {
    expect(spread([10, 9, 100])).toEqual({ median: 10, min: 9, max: 100 });
  });

  it('has no median of nothing', () => {
    expect(() => spread([])).toThrow('nothing to take a median of');
  });
});

describe('the slope of a line through points', () => {
  it('is that of the line where they lie on one', () => {
    expect(
      slope([
        [0, 1],
        [1, 3],
        [5, 11],
      ]),
    ).toBeCloseTo(2);
    expect(
      slope([
        [1, 4],
        [2, 4],
        [3, 4],
      ]),
    ).toBeCloseTo(0);
  });

  it('has the least squares where they do not', () => {
    expect(
      slope([
        [0, 0],
        [1, 1],
        [2, 0],
        [3, 1],
      ]),
    ).toBeCloseTo(0.2);
  });

  it('takes two points', () => {
    expect(() => slope([])).toThrow('two points');
    expect(() =>
      slope([
        [1, 1],
        [1, 2],
      ]),
    ).toThrow('two points');
  });
});
