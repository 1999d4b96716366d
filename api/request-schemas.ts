// What routes read from paths and queries.
import { z } from 'zod';
import { jobKeySchema, projectNameSchema } from '../graph/definition.ts';
import { limits } from '../graph/limits.ts';
import { fileNamePattern } from '../graph/names.ts';

export const projectPath = z.strictObject({ project: projectNameSchema });
export const jobPath = projectPath.extend({ job: jobKeySchema });
/** A name that is none is that of nothing: the store says so. */
export const schedulePath = projectPath.extend({ name: z.string().min(1).max(200) });
export const filePath = projectPath.extend({
  name: z
    .string()
    .regex(
      fileNamePattern,
      'expected a file name: up to 200 of A-Z, a-z, 0-9, ".", "_", "-" and space; no path',
    ),
});
/** What is no id is the id of nothing: the store says so. */
export const runPath = z.strictObject({ id: z.string().min(1).max(100).meta({ format: 'uuid' }) });

export const noQuery = z.strictObject({});

export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(limits.pageItemsMax).default(limits.pageItemsDefault),
  cursor: z.string().min(1).max(500).optional().describe('The nextCursor of the page before.'),
});

const eventNumber = z.coerce.number().int().min(0);

export const streamQuery = z.strictObject({
  after: z
    .literal('latest')
    .or(eventNumber)
    .default(0)
    .describe(
      'The last number that was read: 0 begins with the oldest that is kept, latest with what comes from now on.',
    ),
  project: projectNameSchema.optional(),
  graphRun: z.uuid().optional(),
});

export const eventQuery = streamQuery.extend({
  limit: pageQuery.shape.limit,
  cursor: eventNumber.optional().describe('The nextCursor of the page before, in place of after.'),
});

export const lastEventIdHeader = z.looseObject({
  'last-event-id': eventNumber.optional().describe('The id of the last message, in place of after.'),
});
