import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CodedError } from '../../graph/errors.ts';
import { defineJobKind } from '../../jobs/define-job-kind.ts';
import type { Checkpoints, NewCheckpoint } from '../../store/checkpoints.ts';
import { useEngine } from '../support/engine.ts';

/** What attempts were given, as `job#attempt`. */
const given = new Map<string, unknown>();
const plain = { writesWarehouse: false, inputs: () => [], outputs: () => [] } as const;

/** Does a part of its work an attempt, and saves how far it is. */
const partly = defineJobKind({
  ...plain,
  kind: 'partly',
  config: z.strictObject({ parts: z.number() }),
  output: z.number(),
  run: async (ctx, { parts }) => {
    given.set(`${ctx.job}#${ctx.attempt}`, ctx.checkpoint.value);
    const done = z.object({ done: z.number() }).parse(ctx.checkpoint.value ?? { done: 0 }).done + 1;
    // The last call is what stays.
    await Promise.all([ctx.checkpoint.save({ done: 99 }), ctx.checkpoint.save({ done })]);
    if (done < parts) throw new Error(`${done} of ${parts}`);
    return done;
  },
});

const saver = defineJobKind({
  ...plain,
  kind: 'saver',
  config: z.strictObject({ chars: z.number().nullable() }),
  output: z.null(),
  run: async (ctx, { chars }) => {
    await ctx.checkpoint.save(chars === null ? undefined : 'x'.repeat(chars));
    return null;
  },
});

const calls = { load: 0, away: 0 };
const saved: NewCheckpoint[] = [];
const engine = await useEngine([partly, saver], (store) => ({
  ...store,
  checkpoints: {
    load: (...args: Parameters<Checkpoints['load']>) => {
      calls.load += 1;
      return store.checkpoints.load(...args);
    },
    save: (checkpoint: NewCheckpoint) => {
      saved.push(checkpoint);
      if (calls.away === 0) return store.checkpoints.save(checkpoint);
      calls.away -= 1;
      return Promise.reject(new CodedError('STORE_UNAVAILABLE', 'the database is away'));
    },
  },
}));
const { store } = engine;
const retry = { initialInterval: '10ms' };

describe('a checkpoint', () => {
  it('is given to the next attempt, as the last call saved it; the first one asks for none', async () => {
    await engine.push({ project: 'parts', jobs: { a: { kind: 'partly', config: { parts: 3 }, retry } } });
    const run = await engine.run('parts');
    expect(run).toMatchObject({ state: 'SUCCESS', jobRuns: [{ attempts: 3 }] });
    expect(Object.fromEntries(given)).toEqual({ 'a#1': undefined, 'a#2': { done: 1 }, 'a#3': { done: 2 } });
    expect(calls.load).toBe(2);
    expect(await engine.verify(run.id)).toMatchObject({ verdict: 'equal' });
  });

  it('waits while Postgres is away', async () => {
    calls.away = 2;
    await engine.push({ project: 'away', jobs: { b: { kind: 'partly', config: { parts: 1 } } } });
    expect(await engine.run('away')).toMatchObject({ state: 'SUCCESS', jobRuns: [{ attempts: 1 }] });
    expect(calls.away).toBe(0);
  });

  it.each([
    [65_535, 'CHECKPOINT_TOO_LARGE', 'has 65537 bytes as JSON; the limit is 65536'],
    [null, 'CHECKPOINT_INVALID', 'is not JSON: it is a undefined'],
  ])('of %s is refused, and the job not tried again', async (chars, code, message) => {
    await engine.push({ project: 'refused', jobs: { c: { kind: 'saver', config: { chars } } } });
    const run = await engine.run('refused');
    expect(run.jobRuns).toMatchObject([
      { state: 'FAILED', attempts: 1, error: { code, message: expect.stringContaining(message) } },
    ]);
  });

  it('of the largest size is kept', async () => {
    await engine.push({ project: 'largest', jobs: { c: { kind: 'saver', config: { chars: 65_534 } } } });
    expect(await engine.run('largest')).toMatchObject({ state: 'SUCCESS' });
  });

  it('is not written after the end, nor counts in another epoch', async () => {
    const [last] = saved.slice(-1);
    if (!last) throw new Error('nothing was saved');
    expect(await store.checkpoints.save({ ...last, text: '"late"' })).toBe(false);
    expect(await store.checkpoints.save({ ...last, jobRunId: randomUUID() })).toBe(false);
    expect(await store.checkpoints.load(last.jobRunId, last.epoch)).toBe(last.text);
    expect(await store.checkpoints.load(last.jobRunId, last.epoch + 1)).toBeNull();
  });
});
