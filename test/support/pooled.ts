// Jobs that need slots of pools, and what tests ask of them.
import { setTimeout as pause } from 'node:timers/promises';
import { beforeEach, expect } from 'vitest';
import { z } from 'zod';
import type { GraphDefinition } from '../../graph/definition.ts';
import type { GraphRunDetail } from '../../graph/resources.ts';
import { defineJobKind } from '../../jobs/define-job-kind.ts';
import { useEngine } from './engine.ts';
import { createTestKinds } from './kinds.ts';
import { until } from './until.ts';
import { useWatch } from './watch.ts';

export type Jobs = GraphDefinition['jobs'];

/** The job kind `counted`: counts how many of its jobs work at once. */
function createCounted() {
  const seen = { under: 0, most: 0, begun: [] as string[] };
  const kind = defineJobKind({
    kind: 'counted',
    config: z.strictObject({ ms: z.number().optional(), failures: z.number().optional() }),
    output: z.null(),
    writesWarehouse: false,
    inputs: () => [],
    outputs: () => [],
    run: async (ctx, { ms = 20, failures = 0 }) => {
      seen.under += 1;
      seen.most = Math.max(seen.most, seen.under);
      seen.begun.push(ctx.job);
      try {
        await pause(ms, undefined, { signal: ctx.signal });
        if (ctx.attempt <= failures) throw new Error('not yet');
      } finally {
        seen.under -= 1;
      }
      return null;
    },
  });
  return { kind, seen };
}

export const wide = (count: number, job: Jobs[string]): Jobs =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`j${String(at).padStart(2, '0')}`, job]));

export const reasonsOf = ({ jobRuns }: GraphRunDetail): Record<string, string> =>
  Object.fromEntries(jobRuns.map(({ job, state, reason }) => [job, reason ?? state]));

export async function usePooled() {
  const { kind, seen } = createCounted();
  const engine = await useEngine([kind, ...createTestKinds().kinds]);
  useWatch(engine);
  const { store } = engine;
  beforeEach(() => {
    seen.begun.length = 0;
    seen.most = 0;
  });
  return {
    engine,
    seen,
    putPool: (name: string, slots: number) =>
      store.pools.put({ name, slots, description: '', actor: 'test' }),
    /** A project with a job that keeps the one slot of a pool. */
    hold: (project: string, more: Jobs = {}) =>
      engine.push({ project, jobs: { holds: { kind: 'endless', pools: { one: 1 } }, ...more } }),
    untilReasons: (id: string, expected: Record<string, string>) =>
      until(
        async () => {
          const reasons = reasonsOf(await store.graphRuns.get(id));
          return JSON.stringify(reasons) === JSON.stringify(expected) ? true : undefined;
        },
        `jobs of ${id} are ${JSON.stringify(expected)}`,
      ),
    isFree: async (pool: string) =>
      expect(await store.pools.get(pool)).toMatchObject({ held: 0, waiting: 0 }),
  };
}
