import { describe, expect, it } from 'vitest';
import { createAskingWindow } from '../../workflows/asking-window.ts';

const pooled = { pools: { a: 1 } };

function fill(count: number, asked: readonly number[] = []) {
  const aside = new Set(Array.from({ length: count }, (_, job) => job));
  const window = createAskingWindow({ aside }, new Set(asked));
  for (const job of aside) window.add(job, pooled);
  return { aside, window };
}

describe('jobs that need slots', () => {
  it('ask all at once where all could begin', () => {
    expect(fill(5).window.next(5)).toEqual([0, 1, 2, 3, 4]);
  });

  it('ask no more than could begin, and again when half of them have begun', () => {
    const { aside, window } = fill(10);
    expect(window.next(4)).toEqual([0, 1, 2, 3]);
    aside.delete(2);
    expect(window.next(4)).toEqual([]);
    aside.delete(0);
    expect(window.next(4)).toEqual([4, 5]);
    for (const job of [1, 3, 4, 5, 6]) aside.delete(job);
    expect(window.next(4)).toEqual([7, 8, 9]);
  });

  it('ask nothing while nothing could begin', () => {
    expect(fill(3).window.next(0)).toEqual([]);
  });

  it('pass over those that have ended meanwhile', () => {
    const { aside, window } = fill(10);
    for (const job of [0, 1, 2, 3, 4, 5]) aside.delete(job);
    expect(window.next(2)).toEqual([6, 7]);
  });

  it('do not wait behind those of other pools, or of a lower priority', () => {
    const { aside, window } = fill(10);
    expect(window.next(2)).toEqual([0, 1]);
    for (const job of [20, 21]) aside.add(job);
    window.add(20, { pools: { b: 1, a: 1 } });
    window.add(21, { ...pooled, priority: 7 });
    expect(window.next(2)).toEqual([20, 21]);
  });

  it('ask first where they have asked in an execution before, however many they are', () => {
    const { window } = fill(10, [9, 2, 5]);
    expect(window.next(1)).toEqual([2, 5, 9]);
    expect(window.next(1)).toEqual([]);
  });
});
