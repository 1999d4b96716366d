import { z } from 'zod';
import { projectNameSchema } from '../../graph/definition.ts';
import { verificationsSchema } from '../../graph/inspections.ts';
import { limits } from '../../graph/limits.ts';
import type { Api, Dependencies } from '../dependencies.ts';
import { pageQuery } from '../request-schemas.ts';

const { verificationsPageDefault, verificationsPageMax } = limits;

const listQuery = pageQuery.extend({
  limit: z.coerce.number().int().min(1).max(verificationsPageMax).default(verificationsPageDefault),
  project: projectNameSchema.optional(),
  since: z.iso
    .datetime({ offset: true })
    .optional()
    .describe('Only runs that were created at or after this.'),
});

/** /verifications */
export function verificationRoutes(app: Api, { inspector }: Dependencies): void {
  app.get(
    '/verifications',
    {
      config: { permission: 'read' },
      schema: {
        tags: ['runs'],
        summary: "Compares all runs with Temporal's history of them, newest first",
        description:
          'Graph runs, and jobs that were run alone. Each is compared when its page is read. A page that takes long ends before its limit.',
        querystring: listQuery,
        response: { 200: verificationsSchema },
      },
    },
    ({ query: { project, since, ...page } }) =>
      inspector.verifyRuns({ project, since: since === undefined ? undefined : new Date(since) }, page),
  );
}
