import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { defineJobKind } from '../../jobs/define-job-kind.ts';

/** Job kinds that only tests need: they do nothing, or one thing wrong. */
export function createTestKinds() {
  /** Attempts in the order in which their code began, as `job#attempt`. */
  const begun: string[] = [];
  const ended: string[] = [];
  const plain = { writesWarehouse: false, inputs: () => [], outputs: () => [] } as const;

  const noop = defineJobKind({
    kind: 'noop',
    config: z.strictObject({ ms: z.number().optional() }),
    output: z.object({ job: z.string() }),
    ...plain,
    run: async (ctx, config) => {
      begun.push(`${ctx.job}#${ctx.attempt}`);
      if (config.ms !== undefined) await pause(config.ms, undefined, { signal: ctx.signal });
      ended.push(ctx.job);
      return { job: ctx.job };
    },
  });

  const flaky = defineJobKind({
    kind: 'flaky',
    config: z.strictObject({
      failures: z.number(),
      message: z.string().optional(),
      repeat: z.number().optional(),
    }),
    output: z.object({ attempt: z.number() }),
    ...plain,
    run: async (ctx, config) => {
      begun.push(`${ctx.job}#${ctx.attempt}`);
      if (ctx.attempt <= config.failures) {
        throw new Error((config.message ?? `try ${ctx.attempt} failed`).repeat(config.repeat ?? 1));
      }
      return { attempt: ctx.attempt };
    },
  });

  /** Jobs, by key, that fail until they are mended. */
  const broken = new Set<string>();
  const breakable = defineJobKind({
    kind: 'breakable',
    config: z.strictObject({ text: z.string().optional() }),
    output: z.object({ text: z.string() }),
    ...plain,
    run: async (ctx, config) => {
      begun.push(`${ctx.job}#${ctx.attempt}`);
      if (broken.has(ctx.job)) throw new Error(`${ctx.job} is broken`);
      return { text: config.text ?? '' };
    },
  });

  const output = defineJobKind({
    kind: 'output',
    config: z.strictObject({ chars: z.number() }),
    output: z.unknown(),
    ...plain,
    run: async (_ctx, config) => 'x'.repeat(config.chars),
  });

  /** Jobs that were told to stop, by key. */
  const stopped: string[] = [];
  /** Works until it is told to stop, and cleans up. */
  const endless = defineJobKind({
    kind: 'endless',
    config: z.strictObject({}),
    output: z.null(),
    ...plain,
    run: async (ctx) => {
      begun.push(`${ctx.job}#${ctx.attempt}`);
      await pause(2_147_483_647, undefined, { signal: ctx.signal }).finally(() => stopped.push(ctx.job));
      return null;
    },
  });

  const reader = defineJobKind({
    kind: 'reader',
    config: z.strictObject({ of: z.string() }),
    output: z.object({ read: z.unknown(), idempotencyKey: z.string() }),
    ...plain,
    run: async (ctx, config) => ({ read: await ctx.upstream(config.of), idempotencyKey: ctx.idempotencyKey }),
  });

  /** Returns what it is given. */
  const echo = defineJobKind({
    kind: 'echo',
    config: z.strictObject({
      year: z.int().optional(),
      text: z.string().optional(),
      any: z.unknown().optional(),
    }),
    output: z.looseObject({}),
    ...plain,
    run: async (ctx, config) => {
      begun.push(`${ctx.job}#${ctx.attempt}`);
      return { ...config, params: ctx.params };
    },
  });

  /** Writes the dataset `staged` and returns a text of so many characters. */
  const stager = defineJobKind({
    kind: 'stager',
    config: z.strictObject({ value: z.number(), chars: z.number() }),
    output: z.string(),
    writesWarehouse: true,
    inputs: () => [],
    outputs: () => ['staged'],
    run: async (ctx, config) => {
      begun.push(`${ctx.job}#${ctx.attempt}`);
      const staging = await ctx.warehouse.stage('staged');
      await staging.createAs(`select ${config.value} as value`);
      return 'x'.repeat(config.chars);
    },
  });

  return {
    kinds: [noop, flaky, breakable, output, endless, reader, echo, stager],
    begun,
    ended,
    broken,
    stopped,
  };
}
