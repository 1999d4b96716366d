// Pools as the API shows and takes them.
import { z } from 'zod';
import { poolNameSchema, poolSlotsSchema } from './definition.ts';

const time = z.iso.datetime();

export const poolSchema = z.object({
  name: poolNameSchema,
  slots: z.int(),
  description: z.string(),
  /** Slots that jobs have now: more than `slots` for a while where it was made smaller. */
  held: z.int(),
  /** Jobs that wait for it. */
  waiting: z.int(),
  createdAt: time,
  createdBy: z.string(),
  updatedAt: time,
  updatedBy: z.string(),
});
export type PoolView = z.infer<typeof poolSchema>;

export const putPoolSchema = z.strictObject({
  slots: poolSlotsSchema,
  description: z.string().max(500).optional(),
});
