import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { type AnyJobKind, defineJobKind, type JobContext } from '../../../jobs/define-job-kind.ts';
import type { Latches } from './latches.ts';

/** Job kinds whose points in time a test chooses, and whose effects can be counted. */
export function createFaultKinds(latches: Latches): AnyJobKind[] {
  const plain = { writesWarehouse: false, inputs: () => [], outputs: () => [] } as const;

  const triesOf = ({ jobRunId }: JobContext): number =>
    latches.journal().filter((each) => each.event === 'begun' && each.jobRunId === jobRunId).length;

  /** Does what a config asks for between its two entries in the journal. */
  const journaled = async (ctx: JobContext, config: Points): Promise<void> => {
    const { job, jobRunId, graphRunId, attempt } = ctx;
    const entry = { job, jobRunId, graphRunId, attempt };
    latches.note({ event: 'begun', ...entry });
    const tries = triesOf(ctx);
    if (tries <= (config.failures ?? 0)) throw new Error(`try ${tries} failed`);
    const signal = config.heedless ? null : ctx.signal;
    try {
      if (config.latch !== undefined && (tries === 1 || !config.firstOnly))
        await latches.wait(config.latch, attempt, signal);
      if (config.ms !== undefined) await pause(config.ms, undefined, signal ? { signal } : {});
    } catch (stopped) {
      await pause(config.cleanUpMs ?? 0);
      latches.note({ event: 'cleaned', ...entry });
      throw stopped;
    }
    latches.note({ event: 'done', ...entry });
  };

  /** Waits for the time and the latch that its config names; nothing without them. */
  const step = defineJobKind({
    kind: 'step',
    config: pointsSchema,
    output: z.object({ job: z.string(), attempt: z.number(), text: z.string().optional() }),
    ...plain,
    run: async (ctx, config) => {
      await journaled(ctx, config);
      const { job, attempt } = ctx;
      return config.chars === undefined ? { job, attempt } : { job, attempt, text: 'x'.repeat(config.chars) };
    },
  });

  /**
   * Reads its own table and publishes it with one row more: a step that is applied twice, or not at all, or over another,
   * shows. The row tells which job run in which epoch made it.
   */
  const count = defineJobKind({
    kind: 'count',
    config: pointsSchema,
    output: z.object({ rows: z.number() }),
    writesWarehouse: true,
    inputs: () => [],
    outputs: (_config, jobKey) => [jobKey],
    run: async (ctx, config) => {
      const staging = await ctx.warehouse.stage(ctx.job);
      const table = ctx.warehouse.tableOf(ctx.job);
      const [found] = await staging.query<{ is: boolean }>('select to_regclass($1) is not null as is', [
        table,
      ]);
      const next = `select '${ctx.idempotencyKey}'::text as effect`;
      const before = `select effect, n from ${table}`;
      const rows = await staging.createAs(
        found?.is
          ? `${before} union all ${next}, (select count(*) + 1 from ${table})`
          : `${next}, 1::bigint as n`,
      );
      await journaled(ctx, config);
      return { rows };
    },
  });

  const poison = defineJobKind({
    kind: 'poison',
    config: z.strictObject({}),
    output: z.null(),
    ...plain,
    run: async (ctx) => {
      await journaled(ctx, {});
      throw new Error(`try ${ctx.attempt} of a job that never succeeds`);
    },
  });

  /** In its first try it does what takes its worker down. */
  const harm = defineJobKind({
    kind: 'harm',
    config: z.strictObject({ deed: z.enum(['block', 'exit', 'leak']) }),
    output: z.null(),
    ...plain,
    run: async (ctx, { deed }) => {
      await journaled(ctx, { ms: 500 });
      if (triesOf(ctx) === 1) deeds[deed]();
      return null;
    },
  });

  return [step, count, poison, harm];
}

const blockedMs = 60_000;

const deeds = {
  block: () => {
    const begun = Date.now();
    while (Date.now() - begun < blockedMs);
  },
  exit: () => process.exit(0),
  leak: () => {
    const kept: unknown[] = [];
    for (;;) kept.push(Array.from({ length: 1_000 }, () => ({ kept: kept.length })));
  },
} as const;

const pointsSchema = z.strictObject({
  latch: z.string().optional(),
  ms: z.number().optional(),
  /** Goes on when it is told to stop. */
  heedless: z.boolean().optional(),
  /** Only the first try of a job run waits at the latch. */
  firstOnly: z.boolean().optional(),
  /** So many tries of a job run fail. */
  failures: z.number().optional(),
  /** How long it cleans up once it was told to stop. */
  cleanUpMs: z.number().optional(),
  /** Of a text in the output of `step`. */
  chars: z.number().optional(),
});

type Points = z.infer<typeof pointsSchema>;
