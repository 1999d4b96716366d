import { z } from 'zod';

const project = z.string().min(1).max(100);

/**
 * The arguments of the workflows, as anyone may give them with the Temporal CLI. Checked loosely here: what the project,
 * the graph and the selection say of them is found out when the run is opened.
 */
export const graphRunInputSchema = z
  .strictObject({
    project,
    params: z.record(z.string(), z.unknown()).optional(),
    select: z.array(z.string().max(1_000)).max(1_000).optional(),
    graphRunId: z.uuid().optional(),
  })
  .refine(isStorable, 'holds a NUL character, which Postgres cannot store');

export const jobRunInputSchema = z
  .strictObject({
    project,
    job: z.string().min(1).max(100),
    jobRunId: z.uuid().optional(),
  })
  .refine(isStorable, 'holds a NUL character, which Postgres cannot store');

function isStorable(input: object): boolean {
  return !JSON.stringify(input).includes('\\u0000');
}
