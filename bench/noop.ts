import { z } from 'zod';
import { defineJobKind } from '../jobs/define-job-kind.ts';

/** A job that does nothing: what is left is what running it costs. */
export const noopKind = defineJobKind({
  kind: 'noop',
  config: z.strictObject({}),
  output: z.null(),
  writesWarehouse: false,
  inputs: () => [],
  outputs: () => [],
  run: async () => null,
});

/** The same for bare Temporal. */
export const bareActivities = {
  noop: async (_job: number): Promise<null> => null,
};

export type BareActivities = typeof bareActivities;
