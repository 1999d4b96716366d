import { z } from 'zod';
import { projectNameSchema } from '../../graph/definition.ts';
import { explanationSchema, verificationSchema } from '../../graph/inspections.ts';
import { startRunSchema } from '../../graph/requests.ts';
import {
  type GraphRunView,
  graphRunDetailSchema,
  graphRunSchema,
  pageSchema,
} from '../../graph/resources.ts';
import { RunState } from '../../graph/states.ts';
import type { Api, Dependencies } from '../dependencies.ts';
import { createOnce } from '../plugins/idempotency.ts';
import { noQuery, pageQuery, projectPath, runPath } from '../request-schemas.ts';
import { startNow } from '../start-now.ts';

const tags = ['runs'];
const listQuery = pageQuery.extend({
  project: projectNameSchema.optional(),
  state: z.enum(RunState).optional(),
  backfill: z.uuid().optional().describe('Those that a backfill has made.'),
});

/** /projects/:project/runs */
export function runRoutes(app: Api, { store, temporal }: Dependencies): void {
  app.post(
    '/projects/:project/runs',
    {
      config: { permission: 'write' },
      schema: {
        tags,
        summary: 'Runs the current graph',
        description:
          'Answers once the run is stored, with the run as it was created. While Temporal is away it stays PENDING and ' +
          'is started later. While `maxOpenRuns` of the graph are open it is PENDING/slot, and begins when those before it ' +
          'have ended.',
        params: projectPath,
        querystring: noQuery,
        body: startRunSchema.nullable(),
        response: { 201: graphRunSchema },
      },
    },
    async (request, reply) => {
      const { params, body, actor, log } = request;
      const run = {
        project: params.project,
        params: body?.params ?? {},
        select: body?.select ?? null,
        actor,
      };
      const created = await createOnce<GraphRunView>(request, reply, {
        status: 201,
        create: (once) => store.graphRuns.create(run, once),
        location: ({ id }) => `/v1/graph-runs/${id}`,
      });
      // One that waits for another run is started when that has ended.
      if (created.reason !== 'slot') await startNow(log, () => temporal.startGraphRun(created));
      return created;
    },
  );
}

/** /graph-runs and what is below */
export function graphRunRoutes(app: Api, { store, inspector }: Dependencies): void {
  app.get(
    '/graph-runs',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Lists graph runs, newest first',
        querystring: listQuery,
        response: { 200: pageSchema(graphRunSchema) },
      },
    },
    async ({ query: { project, state, backfill, ...page } }) => {
      const found = await store.graphRuns.list({ project, state, backfill }, page);
      // What is not there has no runs either: only then is it worth a look.
      if (project !== undefined && found.items.length === 0) await store.projects.get(project);
      if (backfill !== undefined && found.items.length === 0) await store.backfills.get(backfill);
      return found;
    },
  );

  app.get(
    '/graph-runs/:id',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Shows a graph run with its job runs and Temporal executions',
        params: runPath,
        querystring: noQuery,
        response: { 200: graphRunDetailSchema },
      },
    },
    ({ params }) => store.graphRuns.get(params.id),
  );

  app.get(
    '/graph-runs/:id/verify',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: "Compares a graph run with Temporal's history of it",
        params: runPath,
        querystring: noQuery,
        response: { 200: verificationSchema },
      },
    },
    ({ params }) => inspector.verifyGraphRun(params.id),
  );

  app.get(
    '/graph-runs/:id/explain',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Tells why a graph run, and each of its jobs, is not done',
        description:
          'Asks Temporal; while it does not answer, the reply says so and tells what the rows say.',
        params: runPath,
        querystring: noQuery,
        response: { 200: explanationSchema },
      },
    },
    ({ params }) => inspector.explainGraphRun(params.id),
  );
}
