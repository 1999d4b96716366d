import { describe, expect, it } from 'vitest';
import { spread } from '../../bench/statistics.ts';

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
