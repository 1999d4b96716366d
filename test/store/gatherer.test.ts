import { describe, expect, it } from 'vitest';
import { createGatherer, gatherCalls, isWorthWaiting } from '../../store/gatherer.ts';
import { until } from '../support/until.ts';

/** Batches as they were flushed; each flush ends when it is let go. */
function useBatches(areOthers: () => boolean) {
  const batches: number[][] = [];
  const letGo: (() => void)[] = [];
  const gatherer = createGatherer<number>({
    flush: (items) => {
      batches.push([...items]);
      return new Promise((resolve) => letGo.push(resolve));
    },
    itemsMax: 3,
    areOthers,
  });
  return { batches, letGo, gatherer };
}

describe('a gatherer', () => {
  it('sends one alone at once', () => {
    const { batches, gatherer } = useBatches(() => false);
    gatherer.add(1);
    expect(batches).toEqual([[1]]);
  });

  it('sends together what came while a batch was under way, in its order and never more than it may', async () => {
    const { batches, letGo, gatherer } = useBatches(() => false);
    for (const item of [1, 2, 3, 4, 5]) gatherer.add(item);
    expect(batches).toEqual([[1]]);
    for (const count of [2, 3]) {
      letGo.shift()?.();
      await until(() => (batches.length === count ? true : undefined), `batch ${count} is sent`);
    }
    expect(batches).toEqual([[1], [2, 3, 4], [5]]);
  });

  it('waits for more where several come within a wait', async () => {
    const { batches, letGo, gatherer } = useBatches(() => true);
    for (let item = 0; item < 20; item += 1) gatherer.add(item);
    const begun = performance.now();
    letGo.shift()?.();
    await until(() => (batches.length === 2 ? true : undefined), 'the wait is over');
    expect(performance.now() - begun).toBeGreaterThan(10);
  });

  it('lets lie what nobody waits for, until somebody comes', async () => {
    const { batches, letGo, gatherer } = useBatches(() => false);
    gatherer.add(1, 60_000);
    expect(batches).toEqual([]);
    gatherer.add(2);
    expect(batches).toEqual([[1, 2]]);
    letGo.shift()?.();
  });

  it.each([
    [1, true],
    [14, true],
    [16, false],
  ])('finds it worth waiting for items that come every %i ms: %s', (gapMs, worth) => {
    expect(isWorthWaiting(gapMs)).toBe(worth);
  });
});

describe('gathered calls', () => {
  it('are answered each with its own answer', async () => {
    const sizes: number[] = [];
    const double = gatherCalls(async (numbers: readonly number[]) => {
      sizes.push(numbers.length);
      return numbers.map((number) => number * 2);
    });
    expect(await Promise.all([1, 2, 3, 4].map(double))).toEqual([2, 4, 6, 8]);
    expect(sizes).toEqual([1, 3]);
  });

  it('fail alone where one of them is at fault', async () => {
    const check = gatherCalls(async (numbers: readonly number[]) => {
      if (numbers.includes(3)) throw new Error('three');
      return numbers;
    });
    const results = await Promise.allSettled([1, 2, 3, 4].map(check));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  });
});
