import { explanationSchema, verificationSchema } from '../../graph/inspections.ts';
import { attemptSchema, jobRunDetailSchema, pageSchema } from '../../graph/resources.ts';
import type { Api, Dependencies } from '../dependencies.ts';
import { noQuery, runPath } from '../request-schemas.ts';

const tags = ['runs'];

/** /job-runs/:id */
export function jobRunRoutes(app: Api, { store, inspector }: Dependencies): void {
  app.get(
    '/job-runs/:id',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Shows a job run with its output and error',
        params: runPath,
        querystring: noQuery,
        response: { 200: jobRunDetailSchema },
      },
    },
    ({ params }) => store.jobRuns.get(params.id),
  );

  app.get(
    '/job-runs/:id/attempts',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Lists the attempts of a job run, oldest first',
        params: runPath,
        querystring: noQuery,
        response: { 200: pageSchema(attemptSchema).describe('All attempts: one page.') },
      },
    },
    async ({ params }) => ({ items: await store.jobRuns.attempts(params.id), nextCursor: null }),
  );

  app.get(
    '/job-runs/:id/verify',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: "Compares a job run with Temporal's history of it",
        description: 'Of one in a graph run: what the verification of that run says of it.',
        params: runPath,
        querystring: noQuery,
        response: { 200: verificationSchema },
      },
    },
    ({ params }) => inspector.verifyJobRun(params.id),
  );

  app.get(
    '/job-runs/:id/explain',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Tells why a job run is not done',
        description: 'Of one in a graph run: with that run.',
        params: runPath,
        querystring: noQuery,
        response: { 200: explanationSchema },
      },
    },
    ({ params }) => inspector.explainJobRun(params.id),
  );
}
