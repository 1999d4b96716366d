import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { CodedError } from '../graph/errors.ts';
import { defineJobKind } from '../jobs/define-job-kind.ts';
import { createKinds } from '../jobs/index.ts';

const plain = {
  config: z.strictObject({}),
  output: z.null(),
  writesWarehouse: false,
  inputs: () => [],
  outputs: () => [],
} as const;

/** A job that does nothing: what is left is what running it costs. */
export const noopKind = defineJobKind({ kind: 'noop', ...plain, run: async () => null });

/** A job that works until it is told to stop. */
export const endlessKind = defineJobKind({
  kind: 'endless',
  ...plain,
  run: async (ctx) => {
    await pause(2_147_483_647, undefined, { signal: ctx.signal });
    return null;
  },
});

/** A job that does nothing once its run is resumed, and fails for good before. */
export const resumedKind = defineJobKind({
  kind: 'resumed',
  ...plain,
  run: async (ctx) => {
    if (ctx.idempotencyKey.endsWith('/1'))
      throw new CodedError('FILE_MISSING', 'there once the run is resumed');
    return null;
  },
});

export const benchKinds = createKinds([noopKind, endlessKind, resumedKind]);

/** The job that does nothing, for bare Temporal. */
export const bareActivities = {
  noop: async (_job: number): Promise<null> => null,
};

export type BareActivities = typeof bareActivities;
