import { describe, expect, it } from 'vitest';
import { createAskingWindow } from '../../workflows/asking-window.ts';

const bounded = () => true;

function fill(count: number, pools: readonly string[] = ['a']) {
  const aside = new Set(Array.from({ length: count }, (_, job) => job));
  const window = createAskingWindow({ aside });
  for (const job of aside) window.add(job, pools);
  return { aside, window };
}

describe('jobs that need slots', () => {
  it('ask all at once where all could begin', () => {
    const never = () => expect.fail('nobody is to ask');
    expect(fill(5).window.next(5, never)).toEqual([0, 1, 2, 3, 4]);
  });

  it('ask no more than could begin, and again when half of them have begun', () => {
    const { aside, window } = fill(10);
    expect(window.next(4, bounded)).toEqual([0, 1, 2, 3]);
    aside.delete(2);
    expect(window.next(4, bounded)).toEqual([]);
    aside.delete(0);
    expect(window.next(4, bounded)).toEqual([4, 5]);
    for (const job of [1, 3, 4, 5, 6]) aside.delete(job);
    expect(window.next(4, bounded)).toEqual([7, 8, 9]);
  });

  it('ask nothing while nothing could begin', () => {
    expect(fill(3).window.next(0, bounded)).toEqual([]);
  });

  it('do not wait behind those of other pools', () => {
    const { aside, window } = fill(10);
    expect(window.next(2, bounded)).toEqual([0, 1]);
    aside.add(20);
    window.add(20, ['b', 'a']);
    expect(window.next(2, bounded)).toEqual([20]);
  });

  it('ask all at once in a run that is older than the window', () => {
    expect(fill(10).window.next(2, () => false)).toHaveLength(10);
  });
});
