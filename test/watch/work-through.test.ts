import { setImmediate as tick } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { workThrough } from '../../watch/work-through.ts';

const items = Array.from({ length: 50 }, (_, item) => item);
const { signal } = new AbortController();

describe('work on many items', () => {
  it('is done for each of them once, at most so many at once', async () => {
    const done: number[] = [];
    let under = 0;
    let most = 0;
    const work = async (item: number): Promise<void> => {
      under += 1;
      most = Math.max(most, under);
      await tick();
      under -= 1;
      done.push(item);
    };
    await workThrough({ items, atOnce: 7, signal, work, onError: () => {} });
    expect(done.sort((a, b) => a - b)).toEqual(items);
    expect(most).toBe(7);
  });

  it('goes on past those that fail, and tells of each', async () => {
    const failed: number[] = [];
    const done: number[] = [];
    const work = async (item: number): Promise<void> => {
      if (item % 2 === 0) throw new Error('even');
      done.push(item);
    };
    await workThrough({ items, atOnce: 1, signal, work, onError: (_, item) => failed.push(item) });
    expect([failed.length, done.length]).toEqual([25, 25]);
  });

  it('ends when all of them fail, with the error', async () => {
    const failed: number[] = [];
    const work = () => Promise.reject(new Error('the server is away'));
    const working = workThrough({ items, atOnce: 3, signal, work, onError: (_, item) => failed.push(item) });
    await expect(working).rejects.toThrow('the server is away');
    expect(failed.length).toBeLessThan(15);
  });

  it('takes no more once it is aborted, and what then fails is no error', async () => {
    const abort = new AbortController();
    const begun: number[] = [];
    const errors: unknown[] = [];
    const work = async (item: number): Promise<void> => {
      begun.push(item);
      if (item === 3) abort.abort();
      if (item >= 3) throw new Error('stopped');
    };
    const { signal: stopped } = abort;
    await workThrough({ items, atOnce: 1, signal: stopped, work, onError: (error) => errors.push(error) });
    expect([begun, errors]).toEqual([[0, 1, 2, 3], []]);
  });
});
