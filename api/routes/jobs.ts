import { startJobRunSchema } from '../../graph/requests.ts';
import { jobRunDetailSchema, jobRunSchema, jobSchema, pageSchema } from '../../graph/resources.ts';
import type { CreatedJobRun } from '../../store/store.ts';
import type { Api, Dependencies } from '../dependencies.ts';
import { createOnce } from '../plugins/idempotency.ts';
import { jobPath, noQuery, pageQuery, projectPath } from '../request-schemas.ts';
import { startNow } from '../start-now.ts';

const tags = ['jobs'];

/** /projects/:project/jobs */
export function jobRoutes(app: Api, dependencies: Dependencies): void {
  readRoutes(app, dependencies);
  runRoutes(app, dependencies);
}

function readRoutes(app: Api, { store }: Dependencies): void {
  app.get(
    '/projects/:project/jobs',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Lists the jobs of the current graph in topological order',
        params: projectPath,
        querystring: noQuery,
        response: { 200: pageSchema(jobSchema).describe('All jobs: one page.') },
      },
    },
    async ({ params }) => ({ items: await store.jobs.list(params.project), nextCursor: null }),
  );

  app.get(
    '/projects/:project/jobs/:job',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Shows a job, with the state of its latest run',
        params: jobPath,
        querystring: noQuery,
        response: { 200: jobSchema },
      },
    },
    ({ params }) => store.jobs.get(params.project, params.job),
  );
}

function runRoutes(app: Api, { store, temporal }: Dependencies): void {
  app.get(
    '/projects/:project/jobs/:job/runs',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Lists the runs of a job, newest first',
        params: jobPath,
        querystring: pageQuery,
        response: { 200: pageSchema(jobRunSchema) },
      },
    },
    ({ params, query }) => store.jobRuns.listOfJob(params.project, params.job, query),
  );

  app.post(
    '/projects/:project/jobs/:job/runs',
    {
      config: { permission: 'write' },
      schema: {
        tags,
        summary: 'Runs one job alone',
        description:
          'Answers once the run is stored, with the run as it was created. While Temporal is away it stays PENDING and ' +
          'is started later.',
        params: jobPath,
        querystring: noQuery,
        body: startJobRunSchema.nullable(),
        response: { 201: jobRunDetailSchema },
      },
    },
    async (request, reply) => {
      const { params, body, actor, log } = request;
      const run = { ...params, params: body?.params ?? {}, actor };
      const created = await createOnce<CreatedJobRun>(request, reply, {
        status: 201,
        create: (once) => store.jobRuns.create(run, once),
        location: ({ id }) => `/v1/job-runs/${id}`,
      });
      await startNow(log, () => temporal.startJobRun(created));
      return created;
    },
  );
}
