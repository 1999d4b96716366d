import { expect, it } from 'vitest';
import { createTurns } from '../../store/in-turn.ts';

it('works on so many of one key at once, as they came, whatever fails, and on other keys beside it', async () => {
  const inTurn = createTurns({ atOnce: 2, waitMaxMs: 60_000 });
  const began: string[] = [];
  const end = new Map<string, () => void>();
  const work = (key: string, name: string) =>
    inTurn(key, async () => {
      began.push(name);
      await new Promise<void>((resolve) => end.set(name, resolve));
      if (name === 'a1') throw new Error('a1 fails');
      return name;
    });
  const a = ['a1', 'a2', 'a3', 'a4'].map((name) => work('a', name));
  const settled = Promise.allSettled(a);
  const b = work('b', 'b1');
  expect(began).toEqual(['a1', 'a2', 'b1']);
  const ended = async (name: string) => {
    end.get(name)?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  await ended('a1');
  expect(began).toEqual(['a1', 'a2', 'b1', 'a3']);
  const last = work('a', 'a5');
  for (const name of ['a3', 'a2', 'a4', 'a5', 'b1']) await ended(name);
  expect(began).toEqual(['a1', 'a2', 'b1', 'a3', 'a4', 'a5']);
  expect((await settled).map(({ status }) => status)).toEqual([
    'rejected',
    'fulfilled',
    'fulfilled',
    'fulfilled',
  ]);
  expect(await Promise.all([last, b])).toEqual(['a5', 'b1']);
});

it('sends away who has waited for too long, and lets the next in its place', async () => {
  const inTurn = createTurns({ atOnce: 1, waitMaxMs: 50 });
  let end = (): void => {};
  const first = inTurn('a', () => new Promise<void>((resolve) => (end = resolve)));
  await expect(inTurn('a', async () => 'late')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  const second = inTurn('a', async () => 'second');
  end();
  expect(await second).toBe('second');
  expect(await inTurn('a', async () => 'third')).toBe('third');
  await first;
});
